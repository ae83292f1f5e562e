// What a producer and a worker of durable jobs need from a job queue: each queue of `comparators` has a file that offers these two.

/** A job: POST this body to a webhook. */
export interface Job {
	readonly webhookId: string;
	/** The `webhook-id` header. */
	readonly id: string;
	readonly body: string;
}

/** An event, as the application has it. */
export interface BenchEvent {
	readonly type: string;
	readonly data: Readonly<Record<string, unknown>>;
}

/** The application's side. */
export interface Producer {
	/** Resolves when all events are durably accepted. */
	send(events: readonly BenchEvent[]): Promise<void>;
}

/** Where a queue is, and the folder with the packages that use it. */
export interface QueuePlace {
	readonly name: "bullmq" | "graphile-worker";
	readonly packagesDir: string;
	/** The port of Redis on this machine, or the URL of a database. */
	readonly database: string;
}

/** Where Fanfare takes events. */
export interface ServerPlace {
	readonly name: "fanfare";
	readonly serverUrl: string;
	readonly key: string;
	readonly projectId: string;
}

export const WEBHOOK_ID = "wh_1";

/** Numbers the jobs of a producer. A real one would use the ids of its own events. */
let lastId = 0;

/** The job for an event: its body is the text that Fanfare would send. */
export function jobOf({ type, data }: BenchEvent): Job {
	const id = `evt_01936a2e-0000-7000-8000-0000${String(lastId++).padStart(8, "0")}`;
	return { webhookId: WEBHOOK_ID, id, body: JSON.stringify({ type, timestamp: new Date().toISOString(), data }) };
}

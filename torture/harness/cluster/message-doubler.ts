// A foreign client of NATS that publishes each message between the processes again, later and so in another order, and garbage beside them.
import { between, pick, type Random } from "@fanfare/testkit/seeded-random";
import { connect, type Msg, type NatsConnection } from "@nats-io/transport-node";

/** Everything between processes, with the prefix that they have if no other is set. */
const SUBJECTS = "fanfare.>";
const MAX_COPIES = 3;
/** Most copies come among the next messages, the others when all that was sent with them is over: a hint is too old after 5 s. */
const SOON_MS = 300;
const LATE_MS = 8_000;
const LATE_SHARE = 0.2;
const GARBAGE_SHARE = 0.25;
/** More than any message of a process has, and less than NATS takes. */
const MAX_GARBAGE_BYTES = 900_000;
const LARGE_SHARE = 0.005;
const USUAL_BYTES = 2_000;

interface Message {
	readonly subject: string;
	readonly data: Uint8Array;
}

/** Works from its construction until it is disposed. */
export class MessageDoubler implements AsyncDisposable {
	/** How many messages it has published again, and how many of garbage, by subject without the ids of members. */
	readonly copies = new Map<string, number>();
	garbage = 0;
	/** When the newest of the messages came that it has published again. */
	newestCopiedAt = 0;
	readonly #connection: NatsConnection;
	readonly #random: Random;
	readonly #timers = new Set<NodeJS.Timeout>();
	/** The last message of each subject. */
	readonly #last = new Map<string, Message>();

	private constructor(connection: NatsConnection, random: Random) {
		this.#connection = connection;
		this.#random = random;
		connection.subscribe(SUBJECTS, {
			callback: (error, message) => {
				if (error === null) this.#take(message);
			},
		});
	}

	/** Signs in as the user of the URL, who may publish and subscribe to everything. */
	static async open(url: string, random: Random): Promise<MessageDoubler> {
		const { host, username, password } = new URL(url);
		const options = { servers: host, user: username, pass: password, reconnect: false, noEcho: true };
		const doubler = new MessageDoubler(await connect(options), random);
		await doubler.#connection.flush();
		return doubler;
	}

	/** False when NATS has ended the connection, or dropped it because it was slow: no message comes again from then on. */
	get isConnected(): boolean {
		return !this.#connection.isClosed();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#connection.close();
		for (const timer of this.#timers) clearTimeout(timer);
	}

	#take({ subject, data }: Msg): void {
		const message = { subject, data: data.slice() };
		this.#last.set(subject, message);
		const random = this.#random;
		const copies = 1 + Math.floor(random() * MAX_COPIES);
		const at = Date.now();
		for (let copy = 0; copy < copies; copy++) this.#later(message, () => this.#count(subject, at));
		if (random() < GARBAGE_SHARE) this.#later(garbageLike(message, this.#last, random), () => void this.garbage++);
	}

	#later({ subject, data }: Message, published: () => void): void {
		const ms = between(this.#random, 0, this.#random() < LATE_SHARE ? LATE_MS : SOON_MS);
		const timer = setTimeout(() => {
			this.#timers.delete(timer);
			if (this.#connection.isClosed()) return;
			this.#connection.publish(subject, data);
			published();
		}, ms);
		this.#timers.add(timer);
	}

	#count(subject: string, at: number): void {
		this.newestCopiedAt = Math.max(this.newestCopiedAt, at);
		const kind = subject.split(".")[1] ?? "";
		this.copies.set(kind, (this.copies.get(kind) ?? 0) + 1);
	}
}

/** Something that none of the processes has sent there. */
export function garbageLike(message: Message, last: ReadonlyMap<string, Message>, random: Random): Message {
	const { subject, data } = message;
	const at = Math.floor(random() * data.length);
	switch (Math.floor(random() * 5)) {
		case 0:
			return { subject, data: data.slice(0, at) };
		case 1:
			return {
				subject,
				data: data.map((byte, index) => (index === at ? byte ^ (1 << Math.floor(random() * 8)) : byte)),
			};
		case 2: {
			const others = [...last.values()].filter((other) => other.subject !== subject);
			return { subject: others.length === 0 ? `${subject}.x` : pick(random, others).subject, data };
		}
		case 3:
			return {
				subject,
				data: Buffer.from(JSON.stringify({ from: "nobody", number: Number.MAX_SAFE_INTEGER, sent: {} })),
			};
		default:
			return { subject, data: noise(random, random() < LARGE_SHARE ? MAX_GARBAGE_BYTES : USUAL_BYTES) };
	}
}

function noise(random: Random, maxBytes: number): Uint8Array {
	return Uint8Array.from({ length: Math.floor(random() * maxBytes) }, () => Math.floor(random() * 256));
}

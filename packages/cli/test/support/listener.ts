// `fanfare listen --json` as a process, and what its tests ask a server for.
import { verifySignature } from "@fanfare/sdk";
import { eventually } from "@fanfare/testkit/eventually";
import { FanfareProcess } from "@fanfare/testkit/fanfare-process";

import type { RawRequest } from "./local-program.ts";
import type { World } from "./world.ts";

type Line = Readonly<Record<string, unknown>>;

/** A listener that prints JSON. */
export class Listener implements AsyncDisposable {
	readonly process: FanfareProcess;

	private constructor(world: World, args: readonly string[]) {
		this.process = new FanfareProcess(["listen", ...args, "--json"], { env: world.scriptEnv });
	}

	/** Starts one that is ready. */
	static async start(world: World, ...args: string[]): Promise<Listener> {
		const listener = new Listener(world, args);
		await listener.until("to be ready", ({ kind }) => kind === "ready");
		return listener;
	}

	/** Every line of standard output, each of which must be an object. */
	get lines(): Line[] {
		const lines = this.process.stdout.split("\n").slice(0, -1);
		return lines.map((line) => JSON.parse(line) as Line);
	}

	get deliveries(): Line[] {
		return this.lines.filter(({ kind }) => kind === "delivery");
	}

	async until(what: string, isSo: (line: Line) => boolean, count = 1): Promise<Line> {
		return eventually(`the listener ${what}`, () => {
			if (this.process.exit !== null) throw new Error(`it has ended: ${this.process.stderr}${this.process.stdout}`);
			return this.lines.filter(isSo)[count - 1];
		});
	}

	async end(signal: NodeJS.Signals = "SIGINT"): Promise<number | null> {
		this.process.kill(signal);
		return (await this.process.exited).code;
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.process[Symbol.asyncDispose]();
	}
}

/** Sends an event. Its id. */
export async function send({ server }: World, data: unknown = {}, type = "order.paid"): Promise<string> {
	return (await server.project.events.send({ type, data })).id;
}

/** Waits until the delivery of an event has succeeded, and returns it. */
export function isDone({ server }: World, eventId: string) {
	return server.waitForDelivery(eventId, ({ status }) => status === "Succeeded");
}

export async function relaysOf({ server }: World, device: string) {
	return (await server.project.relays.list()).filter((relay) => relay.device === device);
}

/** The secret that a listener with these options signs with. */
export async function secretFrom(world: World, ...args: readonly string[]): Promise<string> {
	return (await world.run(["listen", "--print-secret", ...args])).stdout.trim();
}

/** Throws if a request is not signed with the secret. */
export async function verified(request: RawRequest | undefined, secret: string): Promise<void> {
	const { rawHeaders = [], body = Buffer.alloc(0) } = request ?? {};
	const headers = Object.fromEntries(rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [[name, rawHeaders[i + 1]]] : [])));
	await verifySignature(body, headers, secret);
}

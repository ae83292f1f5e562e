// The memory for responses that their clients have not read yet, divided between those who have asked.
import { networkOf } from "../../../core/access/client-network.ts";
import type { Principal } from "../../../core/access/principal.ts";
import type { Clock } from "../../../core/clock.ts";
import { FanfareError } from "../../../core/errors.ts";
import { BodyBudget, type BodyOwner } from "../body/body-budget.ts";
import type { Reply, Route } from "../route.ts";

/** The part of Node's `ServerResponse` that is used here. */
interface WrittenResponse {
	readonly destroyed: boolean;
	once(event: "close", listener: () => void): unknown;
	destroy(): unknown;
}

/** The part of Node's `Socket` that is used here. */
export interface ClientSocket {
	readonly destroyed?: boolean;
	once?(event: "close", listener: () => void): unknown;
	destroy?(): unknown;
}

/** Node's request and response; undefined or empty for calls without a connection. */
interface OnNode {
	readonly outgoing?: WrittenResponse | undefined;
	readonly incoming?: { readonly httpVersionMajor?: number; readonly socket: ClientSocket } | undefined;
}

/** What is known of a call when its caller has been checked. */
interface CallFacts {
	readonly principal: Principal | null;
	readonly clientAddress: string | null;
}

/** Smaller responses do not count: the system has room for them, or for most of them, in its own buffers of a connection. */
const COUNTED_FROM = 16 * 1_024;
const RETRY_AFTER_MS = 1_000;
/** A client that reads has the response to a change by then. */
const DONE_IS_READ_MS = 1_000;

/** A response until it is written, or its connection is closed. */
interface Held {
	readonly bytes: number;
	/** Whether it is the response to a read, which can be repeated. */
	readonly isRead: boolean;
	readonly sinceMs: number;
	readonly close: () => void;
	forget: () => void;
}

/**
 * Projects, customers, keys of the workspace and addresses without a key have their shares of a budget. What was done must be answered: if there is no room for the response to a change or to sends, connections of the same
 * asker are closed, those first that have waited for longest to be read.
 */
export class UnreadResponses {
	readonly #budget: BodyBudget;
	readonly #clock: Pick<Clock, "monotonicMs">;
	readonly #refused: () => void;
	/** By asker: the oldest comes first. */
	readonly #held = new Map<string, Set<Held>>();
	/** What is to be forgotten with a connection: not every version of Node tells each response that its connection was closed. */
	readonly #onSocket = new WeakMap<ClientSocket, Set<() => void>>();

	/** `refused` is called once for each read that is refused, before the error is thrown. */
	constructor(limit: number, clock: Pick<Clock, "monotonicMs">, refused: () => void) {
		this.#budget = new BodyBudget(limit);
		this.#clock = clock;
		this.#refused = refused;
	}

	/** The bytes of all responses that count. */
	get bytes(): number {
		return this.#budget.reserved;
	}

	/**
	 * Returns what counts the reply of a call until its client has read it, or throws `overloaded` if it is a read for which there is no room. Throws
	 * `overloaded`, before anything is read, if the caller has its share already. Streams are read as they are written. What needs no key, such as
	 * probes, is never refused before, and counts only if it is made for each caller: files are in memory once.
	 */
	keeper(node: OnNode | undefined, { method, access, answers }: Route, facts: CallFacts): (reply: Reply) => Reply {
		const { outgoing, incoming } = node ?? {};
		if (outgoing === undefined) return (reply) => reply;
		const asker = askerOf(facts);
		const isStream = answers[200]?.contentType === "text/event-stream";
		if (method === "get" && access !== null && !isStream && this.#budget.room(asker) <= 0) throw this.#noRoom();
		const socket = incoming?.httpVersionMajor === 1 ? incoming.socket : undefined;
		return (reply) => {
			const { body } = reply;
			const isOwn = typeof body === "string" || (access !== null && body instanceof Uint8Array);
			if (isOwn) this.keep(asker, { bytes: Buffer.byteLength(body), isRead: method === "get" }, outgoing, socket);
			return reply;
		};
	}

	/** Counts a response from now on. Throws `overloaded` if it is that to a read, and there is no room. `socket` is its connection, if it has it alone. */
	keep(
		asker: BodyOwner,
		{ bytes, isRead }: Pick<Held, "bytes" | "isRead">,
		response: WrittenResponse,
		socket?: ClientSocket,
	): void {
		// Nobody will read it.
		if (bytes < COUNTED_FROM || response.destroyed || socket?.destroyed === true) return;
		const now = this.#clock.monotonicMs();
		if (!isRead) this.#makeRoom(asker, bytes, now);
		else if (bytes > this.#budget.room(asker)) throw this.#noRoom();
		// A response behind others has no connection yet.
		const close = () => (socket?.destroy === undefined ? response.destroy() : socket.destroy());
		this.#add(asker, { bytes, isRead, sinceMs: now, close, forget: () => {} }, response, socket);
	}

	#noRoom(): FanfareError {
		this.#refused();
		return new FanfareError(
			"overloaded",
			"Too many responses to requests like this one have not been read yet. Read them, and try again.",
			{ retryAfterMs: RETRY_AFTER_MS },
		);
	}

	/** Closes connections of the asker until there is room, if that is enough: those of reads first. */
	#makeRoom(asker: BodyOwner, bytes: number, now: number): void {
		const all = [...(this.#held.get(nameOf(asker)) ?? [])];
		const reads = all.filter(({ isRead }) => isRead);
		const late = all.filter(({ isRead, sinceMs }) => !isRead && now - sinceMs > DONE_IS_READ_MS);
		for (const { close, forget } of [...reads, ...late]) {
			if (bytes <= this.#budget.room(asker)) return;
			close();
			forget();
		}
	}

	#add(asker: BodyOwner, held: Held, response: WrittenResponse, socket: ClientSocket | undefined): void {
		const name = nameOf(asker);
		const own = this.#held.get(name) ?? new Set();
		this.#held.set(name, own.add(held));
		this.#budget.add(asker, held.bytes);
		const onSocket = socket === undefined ? undefined : this.#on(socket);
		held.forget = () => {
			if (!own.delete(held)) return;
			onSocket?.delete(held.forget);
			this.#budget.give(asker, held.bytes);
			if (own.size === 0) this.#held.delete(name);
		};
		onSocket?.add(held.forget);
		response.once("close", held.forget);
	}

	/** What is to be done when a connection is closed. */
	#on(socket: ClientSocket): Set<() => void> {
		const known = this.#onSocket.get(socket);
		if (known !== undefined) return known;
		const all = new Set<() => void>();
		this.#onSocket.set(socket, all);
		socket.once?.("close", () => {
			for (const forget of all) forget();
		});
		return all;
	}
}

/** Keys of the workspace are apart: what a project leaves unread must not keep an operator from looking. */
function askerOf({ principal, clientAddress }: CallFacts): BodyOwner {
	if (principal === null) return { name: `address ${networkOf(clientAddress)}`, customerId: null };
	if (principal.kind === "customer") return { name: principal.projectId, customerId: principal.customerId };
	return { name: principal.key.projectId ?? principal.key.id, customerId: null };
}

function nameOf({ name, customerId }: BodyOwner): string {
	return customerId === null ? name : `${name} ${customerId}`;
}

// Bounds how much of the event loop's time goes into reading bodies that come in very small pieces, each of which costs as much as a large one.
import { networkOf } from "./core/access/client-network.ts";
import type { Clock } from "./core/clock.ts";
import { Parts } from "./core/concurrency/parts.ts";

/** Pieces that a connection may bring in one turn of the event loop. What has come with them by then, 64 KiB at most, is still parsed. */
const MOST_IN_A_TURN = 256;
/** New connections of which the first bytes are read in one turn: nobody knows yet what they bring. */
const MOST_NEW = 4;
/** A turn that takes longer is followed by as much time in which no connection with many pieces is read, as far as that is not very long. */
const LONG_MS = 2;
const LONGEST_REST_MS = 50;
/** For this long, new connections of an address wait as those do that bring many pieces, since one of them was the same. */
const SUSPECT_MS = 10_000;
const MOST_SUSPECTS = 1_000;

/** The part of a socket that is used here. */
export interface ReadSocket {
	readonly remoteAddress?: string | undefined;
	readonly destroyed: boolean;
	readonly readableFlowing: boolean | null;
	pause(): unknown;
	resume(): this;
	once(event: "close", listener: () => void): unknown;
	on(event: "resume", listener: () => void): unknown;
	off(event: "resume", listener: () => void): unknown;
	emit(event: "pause"): unknown;
}

/** A connection that waits. */
interface Waiting {
	readonly line: Parts<ReadSocket>;
	readonly address: string;
	/** Whether it is read again when it has its turn: Node may want that only later. */
	isWanted: boolean;
	/** Makes Node stop reading, also where the stream is paused already. */
	readonly stop: () => void;
}

/**
 * Node reads a connection as long as there are bytes, up to 64 KiB at a time, and parses all of them at once. In chunks of one byte, these take the main
 * thread about 17 ms, and those of many connections come in one turn of its loop. So a connection that has brought many pieces in a turn waits until it is
 * read again: one in each turn of the loop, and after as much time for everything else as that turn has taken. Addresses (of IPv6, networks of 64 bits)
 * take turns, too.
 */
export class ReadTurns {
	readonly #clock: Pick<Clock, "monotonicMs" | "after" | "nextTurn">;
	readonly #new = new Parts<ReadSocket>();
	readonly #costly = new Parts<ReadSocket>();
	readonly #waiting = new Map<ReadSocket, Waiting>();
	/** Connections on which a body comes in chunks. */
	readonly #bodies = new Set<ReadSocket>();
	/** The pieces that connections have brought in this turn. */
	readonly #brought = new Map<ReadSocket, number>();
	/** Addresses whose connections have brought many pieces, until when they are remembered, those first that did so the longest ago. */
	readonly #suspects = new Map<string, number>();
	#opened = 0;
	/** When the turn began; null if nothing has been counted in it. */
	#beganAt: number | null = null;
	#isResting = false;

	constructor(clock: Pick<Clock, "monotonicMs" | "after" | "nextTurn">) {
		this.#clock = clock;
	}

	/** Connections that wait for their turn. */
	get waiting(): number {
		return this.#waiting.size;
	}

	/** Reads a new connection now, or when it has its turn. */
	open(socket: ReadSocket): void {
		this.#count();
		this.#opened++;
		socket.once("close", () => this.#leave(socket));
		const knownUntil = this.#suspects.get(addressOf(socket)) ?? 0;
		if (knownUntil > this.#clock.monotonicMs()) this.#hold(socket, this.#costly, true);
		else if (this.#opened > MOST_NEW) this.#hold(socket, this.#new, true);
	}

	/** A body comes in chunks on the connection, until `endBody`. */
	beginBody(socket: ReadSocket): void {
		this.#bodies.add(socket);
	}

	endBody(socket: ReadSocket): void {
		this.#bodies.delete(socket);
	}

	/** The connection has brought a piece of a body. */
	piece(socket: ReadSocket): void {
		this.#count();
		const brought = (this.#brought.get(socket) ?? 0) + 1;
		this.#brought.set(socket, brought);
		if (brought <= MOST_IN_A_TURN || this.#waiting.has(socket)) return;
		this.#suspect(addressOf(socket));
		// Node says when it wants more of the body.
		this.#hold(socket, this.#costly, false);
		// The bodies of all others could come in the same turn.
		for (const other of this.#bodies)
			if (!this.#waiting.has(other)) this.#hold(other, this.#costly, other.readableFlowing !== false);
	}

	#suspect(address: string): void {
		this.#suspects.delete(address);
		this.#suspects.set(address, this.#clock.monotonicMs() + SUSPECT_MS);
		if (this.#suspects.size <= MOST_SUSPECTS) return;
		for (const oldest of this.#suspects.keys()) {
			this.#suspects.delete(oldest);
			return;
		}
	}

	#hold(socket: ReadSocket, line: Parts<ReadSocket>, isWanted: boolean): void {
		const address = addressOf(socket);
		const waiting: Waiting = { line, address, isWanted, stop: () => void socket.emit("pause") };
		line.add(address, socket);
		this.#waiting.set(socket, waiting);
		socket.pause();
		waiting.stop();
		// Streams resume a tick later, and Node begins to read then.
		socket.on("resume", waiting.stop);
		// Node calls it whenever a part of the body has been taken, or a request has ended.
		socket.resume = () => {
			waiting.isWanted = true;
			return socket;
		};
	}

	#leave(socket: ReadSocket): void {
		this.#bodies.delete(socket);
		const waiting = this.#waiting.get(socket);
		waiting?.line.remove(waiting.address, socket);
		this.#waiting.delete(socket);
	}

	/** Lets a turn begin, if none has, which ends when all has been read that is there now. */
	#count(): void {
		if (this.#beganAt !== null) return;
		this.#beganAt = this.#clock.monotonicMs();
		this.#clock.nextTurn(() => this.#endTurn());
	}

	#endTurn(): void {
		const took = this.#clock.monotonicMs() - (this.#beganAt ?? 0);
		this.#beganAt = null;
		this.#opened = 0;
		this.#brought.clear();
		for (let read = 0; read < MOST_NEW; read++) this.#read(this.#new.next());
		if (this.#costly.size > 0 && !this.#isResting) {
			if (took < LONG_MS) this.#read(this.#costly.next());
			else this.#rest(Math.min(took, LONGEST_REST_MS));
		}
		if (this.#new.size > 0 || (this.#costly.size > 0 && !this.#isResting)) this.#count();
	}

	#rest(ms: number): void {
		this.#isResting = true;
		this.#clock.after(ms, () => {
			this.#isResting = false;
			this.#read(this.#costly.next());
			if (this.#costly.size > 0) this.#count();
		});
	}

	#read(socket: ReadSocket | undefined): void {
		if (socket === undefined) return;
		const waiting = this.#waiting.get(socket);
		if (waiting === undefined) return;
		this.#waiting.delete(socket);
		socket.off("resume", waiting.stop);
		Reflect.deleteProperty(socket, "resume");
		if (waiting.isWanted && !socket.destroyed) socket.resume();
	}
}

function addressOf({ remoteAddress }: ReadSocket): string {
	return networkOf(remoteAddress ?? null);
}

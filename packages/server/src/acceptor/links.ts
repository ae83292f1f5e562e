// Connections between two threads that carry bytes both ways, all over one message port. Unlike a socket to this machine, in which the system
// keeps megabytes, a link holds few bytes that nobody has read, and its other end learns at once that it was closed.
import { Duplex } from "node:stream";

/**
 * What may be on its way in each direction, sent and not read, before a writer waits. The same number of bytes waits at most on each side, besides
 * the piece that reached it.
 */
const WINDOW_BYTES = 16_384;

/** What one thread tells the other. Messages of a link come in the order in which they were sent. */
export type LinkMessage =
	/** The address is the client's; null if it is not known. */
	| { readonly kind: "linkOpened"; readonly link: number; readonly remoteAddress: string | null }
	| { readonly kind: "linkBytes"; readonly link: number; readonly bytes: Uint8Array<ArrayBuffer> }
	/** So many bytes were read: as many may follow. */
	| { readonly kind: "linkRead"; readonly link: number; readonly count: number }
	/** No more bytes follow from this side. */
	| { readonly kind: "linkEnded"; readonly link: number }
	| { readonly kind: "linkClosed"; readonly link: number };

/** What a socket says whose other end is closed. */
const CLOSED = { code: "ECONNRESET" };

type Done = (error?: Error) => void;
type Tell = (message: LinkMessage, transferred: ArrayBuffer[]) => void;

/**
 * The links of a message port, on one of its sides. Only one of the two sides opens links.
 *
 * @example
 * const links = new Links((message, transferred) => port.postMessage(message, transferred));
 * port.on("message", (message: LinkMessage) => links.receive(message));
 * links.open("203.0.113.7").write("hello");
 */
export class Links {
	readonly #tell: Tell;
	readonly #opened: (link: Link) => void;
	readonly #links = new Map<number, Link>();
	#lastId = 0;

	/** `opened` is called with each link that the other side opens. */
	constructor(tell: Tell, opened: (link: Link) => void = () => {}) {
		this.#tell = tell;
		this.#opened = opened;
	}

	/** Those that are not closed. */
	get size(): number {
		return this.#links.size;
	}

	/** Opens a link, to which can be written at once. */
	open(remoteAddress: string | undefined): Link {
		const id = ++this.#lastId;
		this.#tell({ kind: "linkOpened", link: id, remoteAddress: remoteAddress ?? null }, []);
		return this.#add(id, remoteAddress);
	}

	receive(message: LinkMessage): void {
		if (message.kind === "linkOpened") return this.#opened(this.#add(message.link, message.remoteAddress ?? undefined));
		// It may have been closed on this side.
		this.#links.get(message.link)?.receive(message);
	}

	/** Closes all links, of which the other side may be gone. */
	close(): void {
		for (const link of this.#links.values()) link.destroy();
	}

	#add(id: number, remoteAddress: string | undefined): Link {
		const link = new Link(id, remoteAddress, this.#tell);
		this.#links.set(id, link);
		link.once("close", () => this.#links.delete(id));
		return link;
	}
}

/** One end of a link. It ends and closes as a socket does, and `node:http` can serve it, or make requests on it. */
export class Link extends Duplex {
	readonly remoteAddress: string | undefined;
	readonly #id: number;
	readonly #tell: Tell;
	/** Bytes that this side has sent and the other has not read. */
	#unread = 0;
	/** What is to be sent when there is room, and what is called then; null if nothing is. */
	#waiting: Uint8Array[] = [];
	#written: Done | null = null;
	/** Bytes that this side has received since it last said so. */
	#received = 0;
	#hasReceivedEnd = false;
	#isClosedThere = false;

	constructor(id: number, remoteAddress: string | undefined, tell: Tell) {
		// Each direction ends by itself, as `node:http` expects of a socket.
		super({ readableHighWaterMark: WINDOW_BYTES, writableHighWaterMark: WINDOW_BYTES });
		this.#id = id;
		this.#tell = tell;
		this.remoteAddress = remoteAddress;
	}

	receive(message: Exclude<LinkMessage, { kind: "linkOpened" }>): void {
		switch (message.kind) {
			case "linkBytes":
				this.#received += message.bytes.length;
				// Otherwise `_read` is called when they were read.
				if (this.push(message.bytes)) this.#tellRead();
				return;
			case "linkRead":
				this.#unread -= message.count;
				return this.#sendOn();
			case "linkEnded":
				this.#hasReceivedEnd = true;
				return void this.push(null);
			case "linkClosed":
				this.#isClosedThere = true;
				// What came before the end may still be unread.
				if (this.#hasReceivedEnd && !this.readableEnded) this.once("end", () => this.destroy());
				else this.destroy();
		}
	}

	/** Closes it when everything that was written is on its way. */
	destroySoon(): void {
		if (this.writableFinished) return void this.destroy();
		this.once("finish", () => this.destroy());
		this.end();
	}

	/** `http.Agent` calls it. A link keeps no process running. */
	ref(): this {
		return this;
	}

	override _read(): void {
		this.#tellRead();
	}

	override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: Done): void {
		this.#send([chunk], done);
	}

	override _writev(chunks: readonly { readonly chunk: Uint8Array }[], done: Done): void {
		this.#send(
			chunks.map(({ chunk }) => chunk),
			done,
		);
	}

	override _final(done: () => void): void {
		this.#tellThere({ kind: "linkEnded", link: this.#id });
		done();
	}

	override _destroy(error: Error | null, done: (error: Error | null) => void): void {
		this.#tellThere({ kind: "linkClosed", link: this.#id });
		this.#isClosedThere = true;
		this.#waiting = [];
		this.#written = null;
		done(error);
	}

	#send(chunks: readonly Uint8Array[], done: Done): void {
		this.#waiting = chunks.filter(({ length }) => length > 0);
		this.#written = done;
		this.#sendOn();
	}

	/** Sends what there is room for. Pieces of a large buffer are copied one after another, so that it is not in memory twice. */
	#sendOn(): void {
		const done = this.#written;
		if (done === null) return;
		if (this.#isClosedThere)
			return this.#end(done, Object.assign(new Error("the other end of the link is closed"), CLOSED));
		while (this.#waiting.length > 0) {
			const room = WINDOW_BYTES - this.#unread;
			if (room <= 0) return;
			const bytes = this.#take(room);
			this.#unread += bytes.length;
			this.#tell({ kind: "linkBytes", link: this.#id, bytes }, [bytes.buffer]);
		}
		this.#end(done);
	}

	#end(done: Done, error?: Error): void {
		this.#waiting = [];
		this.#written = null;
		done(error);
	}

	/** The next bytes, in a buffer of their own: a part of a larger buffer would go over with all of that. */
	#take(most: number): Uint8Array<ArrayBuffer> {
		let length = 0;
		for (const chunk of this.#waiting) length += chunk.length;
		const bytes = new Uint8Array(Math.min(most, length));
		for (let at = 0; at < bytes.length;) {
			const [chunk] = this.#waiting as [Uint8Array];
			const part = chunk.subarray(0, bytes.length - at);
			bytes.set(part, at);
			at += part.length;
			if (part.length === chunk.length) this.#waiting.shift();
			else this.#waiting[0] = chunk.subarray(part.length);
		}
		return bytes;
	}

	/** Says so only when it is worth a message: the other side waits at the earliest when a whole window is unread. */
	#tellRead(): void {
		if (this.#received < WINDOW_BYTES / 2) return;
		this.#tellThere({ kind: "linkRead", link: this.#id, count: this.#received });
		this.#received = 0;
	}

	#tellThere(message: LinkMessage, transferred: ArrayBuffer[] = []): void {
		if (!this.#isClosedThere) this.#tell(message, transferred);
	}
}

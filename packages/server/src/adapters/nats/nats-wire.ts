// The wire between members that have NATS beside their database: it carries hand-offs and signals. Everything else, and everything that
// must not be lost, goes through the database; signals make others look there at once.
//
// Each member beats on NATS. It hands deliveries only to members whose beats it hears, and only while it hears its own. A hint that was lost is
// noticed by the numbers of later hints and beats, and the owner then looks into the database.
import type { Clock } from "../../core/clock.ts";
import type { Signal, Signals } from "../../ports/signals.ts";
import type { LeasedDelivery } from "../../ports/store/queue.ts";
import type { Place } from "../../ports/tenure.ts";
import { HAND_OFF_MS, type MessageCounts, type Wire, type WireCounts, type WireListener } from "../../ports/wire.ts";
import { MAX_HEAD_BYTES, MAX_HINT_BYTES, Pack, readHint } from "./hints.ts";
import { NatsLink, type LinkOptions } from "./nats-link.ts";
import { Peers, UNHEARD_MS, type Beat } from "./peers.ts";
import { Seal } from "./seal.ts";

const BEAT_MS = 500;
/** A connection on which this process does not hear itself for this long is given up. */
const DEAF_MS = 5_000;
/** A connection on which something is not allowed is made anew this often: permissions that are changed hold for later subscriptions. */
const REFUSED_MS = 30_000;
/** Beats whose times are kept: more than fit into `HAND_OFF_MS`. */
const KEPT_BEATS = 32;
/** No more hints are sent while this much has not come through the server, as far as this process has heard. */
const MAX_UNHEARD_BYTES = 16 * 1_024 * 1_024;

export interface NatsOptions extends LinkOptions {
	/** What the subjects begin with. */
	readonly prefix: string;
	readonly masterKey: Uint8Array;
	readonly clock: Pick<Clock, "monotonicMs" | "after" | "nextTurn">;
	/** Messages come through, or do not any more, with the reason if it is known. Not called for the beginning. */
	readonly changed: (isUp: boolean, reason: unknown) => void;
}

const noMessages = (): Record<keyof MessageCounts, number> => ({ hints: 0, looks: 0, answers: 0, beats: 0 });
/** A signal that only a newer version knows is taken for `look`. */
const kindOf = (signal: Signal) => (signal === "answered" ? "answers" : "looks");

interface SentBeat {
	readonly number: number;
	readonly at: number;
	/** What was sent in hints before it. */
	readonly bytes: number;
}

/**
 * One process on NATS. `wire` completes it with the wire through the database.
 *
 * @example
 * const nats = new Nats({ servers, credentials: null, name, prefix: "fanfare", masterKey, clock, changed });
 * const cluster = openPostgresCluster({ ...options, signals: nats.signals });
 * const wire = nats.wire(cluster.wire, cluster.memberId);
 * nats.start();
 */
export class Nats {
	readonly signals: Signals;
	readonly #options: NatsOptions;
	readonly #seal: Seal;
	readonly #link: NatsLink;
	#member: () => string | null = () => null;
	#listener: WireListener | null = null;
	#heard: (signal: Signal) => void = () => {};
	/** This process as a member; null while it is not one. */
	#self: { readonly id: string; readonly subject: string; readonly peers: Peers } | null = null;
	#beats: SentBeat[] = [];
	#beat = 0;
	/** What was sent in hints, and how much of that has surely passed the server. */
	#bytes = 0;
	#passedBytes = 0;
	/** When this process has heard itself, has connected, or has become a member. */
	#echoedAt = -Infinity;
	/** What was reported last; null for nothing yet. */
	#reported: boolean | null = null;
	/** Whether there was a connection when the link told of it last. */
	#wasConnected = false;
	/** When the server has said that it does not allow what is needed, on this connection; null if it has not. */
	#refusedAt: number | null = null;
	#reason: unknown = null;
	readonly #packs = new Map<string, Pack>();
	readonly #signalsToSend = new Set<Signal>();
	#cancelTick = () => {};
	readonly #sent = noMessages();
	readonly #received = noMessages();
	#late = 0;
	#unsent = 0;
	#handedOff = 0;
	#handedOver = 0;
	#missed = 0;
	#refused = 0;

	constructor(options: NatsOptions) {
		this.#options = options;
		this.#seal = new Seal(options.masterKey);
		this.#link = new NatsLink(options, {
			clock: options.clock,
			changed: (isConnected, reason) => this.#connected(isConnected, reason),
			refused: (error) => {
				this.#refusedAt ??= this.#now();
				this.#reason = error;
				this.#look();
			},
		});
		const isUp = () => this.#isUp();
		this.signals = {
			get isUp() {
				return isUp();
			},
			send: (signal) => this.#signal(signal),
			listen: (heard) => {
				this.#heard = heard;
			},
		};
	}

	/** A wire that hands off, and does everything else as `through` does. `member` is the id of this process; null if it has no tenure. */
	wire(through: Wire, member: () => string | null): Wire {
		this.#member = member;
		return {
			handsOff: true,
			reaches: (place, bytes) => this.#reaches(place, bytes),
			handOff: (place, delivery) => this.#handOff(place, delivery),
			tell: (place, note) => through.tell(place, note),
			tellAll: (note) => through.tellAll(note),
			changed: (projectId, version) => through.changed(projectId, version),
			made: (projectId, version) => through.made(projectId, version),
			sessionsEnded: () => through.sessionsEnded(),
			catchUp: () => through.catchUp(),
			live: through.live,
			relays: through.relays,
			listen: (listener) => {
				this.#listener = listener;
				through.listen(listener);
			},
			follow: (read) => through.follow(read),
		};
	}

	start(): void {
		for (const kind of ["beats", "signals"] as const) {
			const subject = this.#subject(kind);
			this.#link.subscribe(subject, (message) => this.#receive(subject, message, this.#receivers[kind]));
		}
		this.#link.open();
		this.#tick();
	}

	async close(): Promise<void> {
		this.#cancelTick();
		await this.#link.close();
	}

	counts(): WireCounts {
		return {
			isUp: this.#isUp(),
			server: this.#link.server,
			sent: { ...this.#sent },
			received: { ...this.#received },
			late: this.#late,
			unsent: this.#unsent,
			handedOff: this.#handedOff,
			handedOver: this.#handedOver,
			missed: this.#missed,
			refused: this.#refused,
		};
	}

	#subject(...tokens: readonly string[]): string {
		return [this.#options.prefix, ...tokens].join(".");
	}

	#now(): number {
		return this.#options.clock.monotonicMs();
	}

	// The connection

	#isUp(): boolean {
		const isDeaf = this.#self !== null && this.#now() - this.#echoedAt > UNHEARD_MS;
		return this.#link.isConnected && this.#refusedAt === null && !isDeaf;
	}

	#connected(isConnected: boolean, reason: unknown): void {
		this.#reason = reason ?? this.#reason;
		// After a refusal, only hearing itself shows that it is allowed now.
		this.#echoedAt = this.#now() - (this.#refusedAt === null ? 0 : UNHEARD_MS + 1);
		if (isConnected) this.#refusedAt = null;
		this.#passedBytes = this.#bytes;
		// What was on its way may be lost, in both directions. Nothing is while one attempt to connect after the other fails.
		if (isConnected || this.#wasConnected) this.#miss();
		this.#wasConnected = isConnected;
		if (isConnected) this.#sendBeat();
		this.#look();
	}

	/** Says whether messages come through, if that has changed. */
	#look(): void {
		const isUp = this.#isUp();
		const isTold = isUp === this.#reported || (this.#reported === null && !isUp && this.#reason === null);
		if (!isTold) this.#options.changed(isUp, this.#reason);
		if (!isTold) this.#reported = isUp;
		this.#reason = null;
	}

	#tick(): void {
		this.#cancelTick = this.#options.clock.after(BEAT_MS, () => this.#tick());
		this.#becomeMember();
		const now = this.#now();
		if (this.#self?.peers.look(now) === true) this.#miss();
		if (this.#refusedAt !== null) {
			if (now - this.#refusedAt > REFUSED_MS) this.#link.restart();
		} else if (this.#self !== null && this.#link.isConnected && now - this.#echoedAt > DEAF_MS) {
			this.#reason = new Error("messages to this process itself do not come back");
			this.#link.restart();
		}
		this.#sendBeat();
		this.#look();
	}

	/** Hints go to a member by its id, which a process gets anew after it has lost its tenure. */
	#becomeMember(): void {
		const id = this.#member();
		if (id === (this.#self?.id ?? null)) return;
		if (this.#self !== null) this.#link.unsubscribe(this.#self.subject);
		this.#self = null;
		if (id === null) return;
		const subject = this.#subject("hints", id);
		this.#self = { id, subject, peers: new Peers(id) };
		this.#echoedAt = this.#now();
		this.#link.subscribe(subject, (message) =>
			this.#receive(subject, message, (content) => this.#takeHint(id, content)),
		);
	}

	#miss(): void {
		this.#missed++;
		this.#listener?.handOffsMissed();
	}

	// Messages

	readonly #receivers = {
		beats: (content: Buffer) => this.#takeBeat(JSON.parse(content.toString()) as Beat),
		signals: (content: Buffer) => this.#takeSignal(JSON.parse(content.toString()) as readonly [string, Signal]),
	};

	#receive(subject: string, message: Uint8Array, take: (content: Buffer) => void): void {
		const content = this.#seal.open(subject, message);
		try {
			if (content === null) this.#refused++;
			else take(content);
		} catch {
			// It was sealed by this cluster, so its sender is of another version.
			this.#refused++;
		}
	}

	#send(kind: keyof MessageCounts, subject: string, parts: readonly Uint8Array[]): void {
		if (this.#link.publish(subject, this.#seal.close(subject, parts))) this.#sent[kind]++;
		else this.#unsent++;
	}

	#sendBeat(): void {
		if (this.#self === null || !this.#link.isConnected) return;
		const { id, peers } = this.#self;
		const number = ++this.#beat;
		this.#beats = [...this.#beats.slice(1 - KEPT_BEATS), { number, at: this.#now(), bytes: this.#bytes }];
		const beat: Beat = { from: id, number, sent: peers.sent() };
		this.#send("beats", this.#subject("beats"), [Buffer.from(JSON.stringify(beat))]);
	}

	#takeBeat(beat: Beat): void {
		if (this.#self === null) return;
		const now = this.#now();
		if (this.#self.peers.heard(beat, now)) this.#miss();
		if (beat.from !== this.#self.id) {
			this.#received.beats++;
			return;
		}
		this.#echoedAt = now;
		const sent = this.#beats.find(({ number }) => number === beat.number);
		if (sent !== undefined) this.#passedBytes = Math.max(this.#passedBytes, sent.bytes);
		this.#look();
	}

	#signal(signal: Signal): void {
		if (this.#signalsToSend.size === 0) this.#options.clock.nextTurn(() => this.#sendSignals());
		this.#signalsToSend.add(signal);
	}

	#sendSignals(): void {
		const id = this.#self?.id ?? "";
		for (const signal of this.#signalsToSend) {
			this.#send(kindOf(signal), this.#subject("signals"), [Buffer.from(JSON.stringify([id, signal]))]);
		}
		this.#signalsToSend.clear();
	}

	/** One that only a newer version knows says at least that something is new. */
	#takeSignal([from, signal]: readonly [string, Signal]): void {
		if (from === this.#self?.id) return;
		this.#received[kindOf(signal)]++;
		this.#heard(signal);
	}

	// Hints

	#reaches({ member }: Place, bytes: number): boolean {
		if (this.#self === null || !this.#isUp()) return false;
		const now = this.#now();
		const { id, peers } = this.#self;
		const areHeard = peers.hears(id, now) && peers.hears(member, now);
		return areHeard && bytes <= this.#maxBodyBytes && this.#bytes - this.#passedBytes < MAX_UNHEARD_BYTES;
	}

	/** The most bytes of all bodies in a message. */
	get #maxBodyBytes(): number {
		return Math.min(MAX_HINT_BYTES, this.#link.maxBytes - MAX_HEAD_BYTES);
	}

	#handOff({ member, epoch }: Place, delivery: LeasedDelivery): void {
		let pack = this.#packs.get(member);
		if (pack?.isTooFullFor(delivery, this.#maxBodyBytes) === true) {
			this.#sendPack(member, pack);
			pack = undefined;
		}
		if (pack === undefined) {
			if (this.#packs.size === 0) this.#options.clock.nextTurn(() => this.#sendPacks());
			pack = new Pack();
			this.#packs.set(member, pack);
		}
		pack.add(epoch, delivery);
	}

	#sendPacks(): void {
		for (const [member, pack] of this.#packs) this.#sendPack(member, pack);
		this.#packs.clear();
	}

	#sendPack(member: string, pack: Pack): void {
		// Others do not listen to a process without a tenure: they find the deliveries by themselves.
		if (this.#self === null) {
			this.#unsent++;
			return;
		}
		const { id, peers } = this.#self;
		const subject = this.#subject("hints", member);
		const parts = pack.parts({ from: id, number: peers.nextTo(member, this.#now()), beat: peers.beatOf(member) });
		this.#send("hints", subject, parts);
		for (const part of parts) this.#bytes += part.length;
		this.#handedOff += pack.deliveries;
	}

	#takeHint(to: string, content: Buffer): void {
		if (this.#self?.id !== to) return;
		const { from, number, beat, handOffs } = readHint(to, content);
		const now = this.#now();
		const order = this.#self.peers.got(from, number, now);
		this.#received.hints++;
		// It was sent after that beat of this process. Only so is its age known, whatever the clocks say.
		const sentAfter = this.#beats.find((sent) => sent.number === beat)?.at ?? -Infinity;
		const isFresh = now - sentAfter <= HAND_OFF_MS;
		if (order === "after a gap" || (order === "next" && !isFresh)) this.#miss();
		if (order === "late" || !isFresh) {
			this.#late++;
			return;
		}
		this.#handedOver += handOffs.length;
		for (const { place, delivery } of handOffs) this.#listener?.handedOver(place, delivery);
	}
}

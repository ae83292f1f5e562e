// The port for what processes tell each other. Every message may be lost: it saves time, and the store has the truth.
import type { PortalSession } from "../core/access/portal-session.ts";
import type { Session, SignInLink } from "../core/access/session.ts";
import type { LiveWire } from "./live-wire.ts";
import type { RelayWire } from "./relay-wire.ts";
import type { LeasedDelivery } from "./store/queue.ts";
import type { Place } from "./tenure.ts";

/** A hand-off that is as old as this is dropped: its owner may have found the delivery in the store since, and have attempted it. */
export const HAND_OFF_MS = 5_000;

/** Messages between processes, by kind. */
export interface MessageCounts {
	/** Each has deliveries for their owner. */
	readonly hints: number;
	/** Signals: the store has something new for others, and somebody has acted upon that. */
	readonly looks: number;
	readonly answers: number;
	/** Each says that its sender is there. */
	readonly beats: number;
}

/** What messages beside the store have carried since the start. */
export interface WireCounts {
	/** Whether they come through. */
	readonly isUp: boolean;
	/** The server that this process is connected to, with its port; null while there is none. */
	readonly server: string | null;
	readonly sent: MessageCounts;
	/** Those of others. */
	readonly received: MessageCounts;
	/** Hints that came too late, or twice, and were dropped. */
	readonly late: number;
	/** Messages that were not sent, since there was no connection. */
	readonly unsent: number;
	/** Deliveries that were handed to others, and that others have handed to this process. */
	readonly handedOff: number;
	readonly handedOver: number;
	/** How often hand-offs to this process were perhaps lost, so that it has looked for their deliveries. */
	readonly missed: number;
	/** Messages that were not of this cluster, or of another version. */
	readonly refused: number;
}

/** What a process tells the owner of a webhook: the store has a delivery of this webhook that is due at this time. */
export interface OwnerNote {
	readonly kind: "due";
	readonly webhookId: string;
	readonly at: number;
}

/** What a process tells all others, since it does not know who has them: these deliveries must not be attempted any more. */
export interface DiscardNote {
	readonly kind: "discard many";
	readonly deliveryIds: readonly string[];
	/** The same for all deliveries of this event; null for none. */
	readonly eventId: string | null;
}

/** Sessions and sign-in links that have begun or ended since a process has looked last. An id is in it as it is in the store now. */
export interface SessionChanges {
	readonly sessions: readonly Session[];
	readonly links: readonly SignInLink[];
	readonly portalSessions: readonly PortalSession[];
	/** The ids of those that have ended, of all three. */
	readonly ended: readonly string[];
}

/** Receives what other processes tell this one. Its methods return quickly and don't throw. */
export interface WireListener {
	/**
	 * Another process has committed this delivery with a lease for the owner of its webhook, which it believed to be this
	 * process, under the epoch of `place`. Called at most once for each commit, and not later than `HAND_OFF_MS` after it.
	 */
	handedOver(place: Place, delivery: LeasedDelivery): void;
	/** Hand-offs to this process were perhaps lost: their deliveries are in the store, leased. */
	handOffsMissed(): void;
	/** Another process says this to the owner of a webhook. The note may be late, or meant for an earlier owner. */
	noted(note: OwnerNote | DiscardNote): void;
	/**
	 * Sessions have begun and ended, also those of this process. Many are known already, and what has ended may never have
	 * been known.
	 */
	sessionsChanged(changes: SessionChanges): void;
}

/** Connects the processes that share a store. Messages to the own process are never sent. */
export interface Wire {
	/** Whether this wire hands anything off, ever. */
	readonly handsOff: boolean;
	/**
	 * Whether a hand-off of a delivery with a body of this size reaches the process of this place, as far as this process has heard. If
	 * not, the delivery should be committed without a lease, so that its owner finds it in the store.
	 */
	reaches(place: Place, bytes: number): boolean;
	/**
	 * Hands a delivery, which is committed with a lease, to the owner of its webhook. Returns at once. If the message is
	 * lost, the owner finds the delivery when it looks for such ones, or else when the lease ends.
	 */
	handOff(place: Place, delivery: LeasedDelivery): void;
	/**
	 * Tells the owner of a webhook something. Resolves with `done` when the owner has acted upon it, and with
	 * `unreachable` if it has not confirmed that within a second. Never rejects.
	 */
	tell(place: Place, note: OwnerNote): Promise<"done" | "unreachable">;
	/**
	 * The same for all other processes. Resolves with `done` when each of them has acted upon it, has lost its tenure, or begins no attempt
	 * before it has acted upon it, which takes some seconds at most; a process that is gone delays nothing once its tenure has ended. Resolves
	 * with `unreachable` if some of them perhaps can't learn of it. Never rejects. Many notes at once, of either kind, take few messages.
	 */
	tellAll(note: DiscardNote): Promise<"done" | "unreachable">;
	/**
	 * Says that the directory of a project (null: of the workspace) has this version now. Resolves when every other live
	 * process has read it or has lost its tenure, which takes some seconds at most. Never rejects.
	 */
	changed(projectId: string | null, version: number): Promise<void>;
	/** The same for a change that nobody waits for: other processes read it when they look next, and this one does not. */
	made(projectId: string | null, version: number): void;
	/**
	 * Says that sessions have ended in the store. Resolves when this process has read that, and every other live process has
	 * read it or has lost its tenure, which takes some seconds at most. Never rejects.
	 */
	sessionsEnded(): Promise<void>;
	/**
	 * Reads what other processes have changed. Resolves when `sessionsChanged` was called with everything that was committed
	 * before this call. However often it is called, few reads are made. Rejects if the store fails.
	 */
	catchUp(): Promise<void>;
	/** What happens, for those who watch it live at other processes. */
	readonly live: LiveWire;
	/** The requests of relays whose clients are connected to other processes, and their answers. */
	readonly relays: RelayWire;
	/** Registers who receives hand-offs, notes and sessions. Called once. Earlier messages are lost. */
	listen(listener: WireListener): void;
	/**
	 * Registers how this process reads changes of the directory: `read` resolves when its copy of the project (null: of
	 * the workspace) has at least this version. Called once. `changed` in other processes waits for it.
	 */
	follow(read: (projectId: string | null, version: number) => Promise<void>): void;
}

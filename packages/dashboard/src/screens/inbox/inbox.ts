// The receiver of the Inbox: a relay that this tab answers. It goes on while other screens are shown, until it is closed or the tab is.
import { NotFoundError, verifySignature, utils, type Relay, type RelayRequest } from "@fanfare/sdk";
import { skipToken, useQuery, type QueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";

import { browserLocks, INBOX_PLACES, inPlace, PLACE_WITHIN_MS } from "../../live/places.ts";
import { visibility, whileVisible } from "../../live/waits.ts";
import type { Connection } from "../../session/connection.ts";
import { storageKey } from "./storage-key.ts";

/** What the Inbox answers: a status, or nothing until the time is up. */
export type AnswerMode = "200" | "500" | "nothing";

/** A request that came. */
export interface Received {
	readonly requestId: string;
	/** Null for a test of the webhook. */
	readonly deliveryId: string | null;
	readonly attemptNumber: number;
	/** The type that its body names; null if it names none. */
	readonly eventType: string | null;
	readonly headers: readonly (readonly [name: string, value: string])[];
	/** Exactly as it was sent. */
	readonly body: string;
	/** When it came, in milliseconds since the epoch. */
	readonly at: number;
	readonly answer: AnswerMode;
	/** Null if this browser can't check it: it can on https and on localhost. */
	readonly isSigned: boolean | null;
}

export interface InboxState {
	readonly status: "closed" | "opening" | "ready" | "away" | "ended";
	/** Why it is away or has ended. */
	readonly reason: string | null;
	/** Why it could not be opened. */
	readonly error: unknown;
	/** The event types with which it could not be opened; null for all. */
	readonly refusedTypes: readonly string[] | null;
	readonly relay: Relay | null;
	/** The newest first. */
	readonly received: readonly Received[];
	readonly mode: AnswerMode;
}

const CLOSED: InboxState = {
	status: "closed",
	reason: null,
	error: null,
	refusedTypes: null,
	relay: null,
	received: [],
	mode: "200",
};
/** Why an Inbox is not open yet. */
const NO_PLACE = `${INBOX_PLACES.length} Inboxes are open in this browser, which is as many as it has connections for. This one opens when you close one of them.`;
/** Why an Inbox without locks is closed for now: nobody could count them otherwise. */
const HIDDEN =
	"It goes on when you look at this tab. On https and on localhost it also goes on while the tab is hidden.";
const MOST_RECEIVED = 100;
/** How long a closed Inbox waits for the answer that says whether its relay was made, before it looks for it. */
const CLOSED_WITHIN_MS = 10_000;
/** Short, so that no answer shows soon. */
const TIMEOUT_MS = 5_000;

const inboxKey = (projectId: string) => ["inbox", projectId] as const;

/** An Inbox from when it is opened. */
interface Opened {
	readonly ending: AbortController;
	/** Whether its relay is being made: only the answer says which one it is. */
	isMaking: boolean;
	/** Resolved when it is closed: it keeps its place no longer, also if the answer is still to come. */
	readonly closed: PromiseWithResolvers<void>;
}

/** The Inbox of this tab, for each project that is looked at. */
export class Inbox {
	readonly #connection: Connection;
	readonly #queryClient: QueryClient;
	readonly #open = new Map<string, Opened>();
	/** Those that were closed while their relay was being made. It is deleted when it is known. */
	readonly #closed = new Set<Opened>();

	constructor(connection: Connection, queryClient: QueryClient) {
		this.#connection = connection;
		this.#queryClient = queryClient;
	}

	/** Opens it for these event types, or for all of them. */
	open(projectId: string, eventTypes: readonly string[] | null): void {
		const identity = { ...(readIdentity(projectId) ?? newIdentity()), eventTypes };
		storeIdentity(projectId, identity);
		this.#begin(projectId, identity);
	}

	/** Opens it as it was, after it has ended. */
	openAgain(projectId: string): void {
		this.open(projectId, readIdentity(projectId)?.eventTypes ?? null);
	}

	/** Goes on after the page was loaded anew, if it was open in this tab. */
	resume(projectId: string): void {
		const identity = readIdentity(projectId);
		if (identity !== null && this.state(projectId).status === "closed") this.#begin(projectId, identity);
	}

	/** Closes it, and deletes its relay: what waits for it is cancelled. */
	async close(projectId: string): Promise<void> {
		// While it waits for a place after a reload, only what is stored says which relay it had. Meanwhile it may get another one.
		for (let deleted: string | undefined; ;) {
			const relayId = this.state(projectId).relay?.id ?? readIdentity(projectId)?.relayId;
			if (relayId === undefined || relayId === deleted) break;
			// oxlint-disable-next-line no-await-in-loop -- the next one is known only then
			await this.#delete(projectId, relayId);
			deleted = relayId;
		}
		const opened = this.#open.get(projectId);
		this.#open.delete(projectId);
		if (opened?.isMaking === true) {
			this.#closed.add(opened);
			setTimeout(() => opened.ending.abort(), CLOSED_WITHIN_MS);
		} else opened?.ending.abort();
		opened?.closed.resolve();
		sessionStorage.removeItem(storageKey(projectId));
		this.#change(projectId, CLOSED);
	}

	/** Ends all of them. */
	endAll(): void {
		for (const { ending } of [...this.#open.values(), ...this.#closed]) ending.abort();
		this.#open.clear();
		this.#closed.clear();
		this.#queryClient.setQueriesData<InboxState>({ queryKey: [inboxKey("")[0]] }, CLOSED);
	}

	async #delete(projectId: string, relayId: string): Promise<void> {
		try {
			await this.#connection.client.project(projectId).relays.delete(relayId);
		} catch (error) {
			// The server deletes those whose tab is gone for an hour.
			if (!(error instanceof NotFoundError)) throw error;
		}
	}

	setMode(projectId: string, mode: AnswerMode): void {
		this.#change(projectId, { mode });
	}

	state(projectId: string): InboxState {
		return this.#queryClient.getQueryData<InboxState>(inboxKey(projectId)) ?? CLOSED;
	}

	#begin(projectId: string, identity: Identity): void {
		if (this.#open.has(projectId)) return;
		const opened: Opened = { ending: new AbortController(), isMaking: false, closed: Promise.withResolvers() };
		this.#open.set(projectId, opened);
		this.#change(projectId, { status: "opening", reason: null, error: null, refusedTypes: null });
		void this.#receiveInPlace(projectId, identity, opened);
	}

	/** Whether it has not been closed, and has not ended. */
	#isOpen(projectId: string, opened: Opened): boolean {
		return this.#open.get(projectId) === opened;
	}

	/** Each Inbox keeps a connection, so a browser has no more of them than there are places. */
	async #receiveInPlace(projectId: string, identity: Identity, opened: Opened): Promise<void> {
		const { signal } = opened.ending;
		const locks = browserLocks();
		if (locks === undefined) return this.#receiveWhileVisible(projectId, identity, opened);
		const waiting = setTimeout(() => {
			if (!signal.aborted) this.#change(projectId, { status: "away", reason: NO_PLACE });
		}, PLACE_WITHIN_MS);
		try {
			await inPlace(locks, INBOX_PLACES, signal, () => {
				clearTimeout(waiting);
				this.#change(projectId, { status: "opening", reason: null });
				return Promise.race([this.#receive(projectId, identity, opened), opened.closed.promise]);
			});
		} catch (error) {
			// It was closed before a place was free.
			if (!signal.aborted) throw error;
		}
	}

	/** Without locks no tab knows of the others, and hidden ones would keep all connections of the browser. */
	async #receiveWhileVisible(projectId: string, identity: Identity, opened: Opened): Promise<void> {
		const ended = opened.ending.signal;
		while (this.#isOpen(projectId, opened)) {
			await visibility(true, ended);
			if (ended.aborted) return;
			await whileVisible(ended, (signal) => this.#receive(projectId, identity, opened, signal));
			const isHidden = this.#isOpen(projectId, opened);
			if (isHidden) this.#change(projectId, { status: "away", reason: HIDDEN });
		}
	}

	/** Receives until `signal` aborts. The Inbox stays open then, unless it has been closed. */
	async #receive(projectId: string, identity: Identity, opened: Opened, signal = opened.ending.signal): Promise<void> {
		const { device, secret, eventTypes } = identity;
		const project = this.#connection.client.project(projectId);
		const put = { device, name: "Inbox", secret, eventTypes, timeoutMs: TIMEOUT_MS };
		opened.isMaking = true;
		try {
			const requests = project.relays.connect(put, {
				signal,
				onState: (state) => {
					if (signal.aborted) return;
					if (!this.#isOpen(projectId, opened)) {
						// What was made is deleted then, and nothing is asked for again.
						opened.ending.abort();
					} else if (state.state === "ready") {
						opened.isMaking = false;
						this.#change(projectId, { status: "ready", reason: null, error: null, relay: state.relay });
						storeIdentity(projectId, { ...identity, relayId: state.relay.id });
					} else {
						const status = state.state === "away" ? "away" : "ended";
						// It can be opened again at once, also while this connection is still being closed.
						if (status === "ended") this.#forget(projectId, opened);
						this.#change(projectId, { status, reason: state.reason });
					}
				},
			});
			for await (const request of requests) {
				if (this.#isOpen(projectId, opened)) void this.#take(projectId, request, secret, signal);
			}
		} catch (error) {
			if (signal.aborted || !this.#isOpen(projectId, opened)) return;
			// Otherwise coming back to the screen would try again and again.
			sessionStorage.removeItem(storageKey(projectId));
			this.#change(projectId, { status: "closed", error, refusedTypes: eventTypes });
		} finally {
			// One that is only hidden goes on.
			const isHidden = signal.aborted && !opened.ending.signal.aborted;
			const isOver = this.#closed.delete(opened) || (this.#isOpen(projectId, opened) && !isHidden);
			// Its relay may be there all the same, and nobody else knows which one it is.
			if (opened.isMaking && isOver) void this.#deleteOf(projectId, device).catch(() => {});
			opened.isMaking = false;
			if (!isHidden) this.#forget(projectId, opened);
		}
	}

	/** Deletes the relay of an Inbox that was closed, or has failed, before it was ready. Nobody waits for it: the server also deletes it after an hour. */
	async #deleteOf(projectId: string, device: string): Promise<void> {
		const relays = await this.#connection.client.project(projectId).relays.list();
		const made = relays.filter((relay) => relay.device === device);
		await Promise.all(made.map(({ id }) => this.#delete(projectId, id)));
	}

	#forget(projectId: string, opened: Opened): void {
		if (this.#isOpen(projectId, opened)) this.#open.delete(projectId);
	}

	async #take(projectId: string, request: RelayRequest, secret: string, signal: AbortSignal): Promise<void> {
		const { mode: answer } = this.state(projectId);
		const { requestId, deliveryId, attemptNumber, headers } = request;
		const body = new TextDecoder().decode(request.body);
		if (answer !== "nothing") {
			const json = JSON.stringify({ received: answer === "200" });
			void request.answer({ status: Number(answer), headers: { "content-type": "application/json" }, body: json });
		}
		const isSigned = await isSignedWith(secret, body, headers);
		if (signal.aborted) return;
		const about = { requestId, deliveryId, attemptNumber, eventType: typeOf(body) };
		const one: Received = { ...about, headers, body, at: Date.now(), answer, isSigned };
		this.#change(projectId, { received: [one, ...this.state(projectId).received].slice(0, MOST_RECEIVED) });
	}

	#change(projectId: string, change: Partial<InboxState>): void {
		this.#queryClient.setQueryData<InboxState>(inboxKey(projectId), { ...this.state(projectId), ...change });
	}
}

/** The Inbox of this tab. */
export function useInbox(): Inbox {
	return useRouter().options.context.inbox.get(Inbox);
}

export function useInboxState(projectId: string): InboxState {
	const { data } = useQuery<InboxState>({
		queryKey: inboxKey(projectId),
		queryFn: skipToken,
		gcTime: Number.POSITIVE_INFINITY,
	});
	return data ?? CLOSED;
}

/** The tab's own name and signing secret: the same after a reload, and gone with the tab. The secret signs for this Inbox alone. */
interface Identity {
	readonly device: string;
	readonly secret: string;
	readonly eventTypes: readonly string[] | null;
	/** Its relay, if it has had one. */
	readonly relayId?: string | undefined;
}

function storeIdentity(projectId: string, identity: Identity): void {
	sessionStorage.setItem(storageKey(projectId), JSON.stringify(identity));
}

function newIdentity(): Pick<Identity, "device" | "secret"> {
	const device = `inbox-${Math.random().toString(36).slice(2, 10)}`;
	return { device, secret: utils.generateWebhookSecret() };
}

/** Null if there is none, or none that can be read. */
function readIdentity(projectId: string): Identity | null {
	try {
		const value: unknown = JSON.parse(sessionStorage.getItem(storageKey(projectId)) ?? "null");
		if (typeof value !== "object" || value === null) return null;
		const { device, secret, eventTypes, relayId } = value as Readonly<Record<string, unknown>>;
		if (typeof device !== "string" || typeof secret !== "string") return null;
		const types = Array.isArray(eventTypes) ? eventTypes.filter((type) => typeof type === "string") : null;
		return { device, secret, eventTypes: types, relayId: typeof relayId === "string" ? relayId : undefined };
	} catch {
		return null;
	}
}

async function isSignedWith(secret: string, body: string, headers: Received["headers"]): Promise<boolean | null> {
	if (!isSecureContext) return null;
	return verifySignature(body, Object.fromEntries(headers), secret).then(
		() => true,
		() => false,
	);
}

function typeOf(body: string): string | null {
	try {
		const { type } = JSON.parse(body) as { readonly type?: unknown };
		return typeof type === "string" ? type : null;
	} catch {
		return null;
	}
}

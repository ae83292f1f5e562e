// The live stream: clients watch what happens in a project.
import type { EventCustomers } from "../../core/access/customer.ts";
import type { ApiKey } from "../../core/access/key.ts";
import { customerOf, projectOf, type Scope } from "../../core/access/principal.ts";
import { randomBytes } from "../../core/chance.ts";
import { FanfareError } from "../../core/errors.ts";
import type { LiveFact, LiveItem } from "../../core/live.ts";
import type { CustomerLimits } from "../../core/policies/customer-limits.ts";
import type { LiveWire, LiveWireListener, SharedFact } from "../../ports/live-wire.ts";
import type { Wire } from "../../ports/wire.ts";
import type { Directory } from "../directory/directory.ts";
import type { Live, LivePoll, LivePollResult, LiveRequest, LiveSubscription } from "../live-calls.ts";
import type { EngineParts } from "../parts.ts";
import { LiveClient, matcher } from "./live-client.ts";
import { LiveFeed, MISSED } from "./live-feed.ts";
import { budgetOf, placesOf, StreamPlaces, type GiveUp, type PlaceUse, type StreamBudget } from "./stream-places.ts";

export interface LiveLimits extends Pick<CustomerLimits, "maxStreamsPerCustomer"> {
	/** Items kept for each watched project. One batch alone can add some thousands in one turn of the event loop. */
	readonly kept: number;
	/** Items kept for each watched customer. */
	readonly keptForCustomer: number;
	/** Items kept for all projects together. When there are more, the projects that have most lose their oldest. */
	readonly keptInAll: number;
	/** Streams of programs that are open at once; those of the page and of customers are counted beside them. */
	readonly maxStreams: number;
	/** How long the items of a project are kept after its last client has gone, for clients that resume. */
	readonly lingerMs: number;
}

const DEFAULT_LIMITS: LiveLimits = {
	kept: 10_000,
	keptForCustomer: 1_000,
	keptInAll: 50_000,
	maxStreams: 1_000,
	maxStreamsPerCustomer: 5,
	lingerMs: 60_000,
};
/** After shrinking, the feeds together have this part of what they may have, so that it is rarely done. */
const AFTER_SHRINKING = 0.9;

type Parts = Pick<EngineParts, "chance" | "clock" | "membership"> & { readonly wire: Pick<Wire, "live"> };

interface Neighbours {
	readonly directory: Pick<Directory, "project">;
}

interface Watched {
	/** Null for a whole project. */
	readonly customerId: string | null;
	readonly feed: LiveFeed;
	readonly clients: Set<LiveClient>;
	/** Cancels the timer that forgets the project; null if no timer is set. */
	cancelEnd: (() => void) | null;
}

/**
 * The feeds of all watched projects and their clients. It is in memory only and bounded: each watched project has one
 * feed of items, in which each client has a position. A client whose next item was dropped is too slow and is
 * dropped, too.
 *
 * Each watched customer has a feed of its own, so that not even a position tells how much happens at others. The streams of
 * programs, of the page and of customers have a budget each, so that none can use up those of another.
 */
export class LiveHub implements Live, LiveWireListener {
	readonly #parts: Omit<Parts, "wire">;
	readonly #limits: LiveLimits;
	/** As it was given: what it says of customers can change. */
	readonly #given: Partial<LiveLimits>;
	readonly #near: Neighbours;
	readonly #wire: LiveWire;
	readonly #places: StreamPlaces;
	readonly #watched = new Map<string, Watched>();
	/** The feeds of customers, by project. */
	readonly #customers = new Map<string, Map<string, Watched>>();
	/** The number of items in all feeds. */
	#keptCount = 0;
	#closed = false;

	constructor({ wire, ...parts }: Parts, limits: Partial<LiveLimits>, near: Neighbours) {
		this.#near = near;
		this.#wire = wire.live;
		this.#wire.listen(this);
		this.#parts = parts;
		this.#limits = { ...DEFAULT_LIMITS, ...limits };
		this.#given = limits;
		this.#places = new StreamPlaces(placesOf(this.#limits.maxStreams));
	}

	/** The open streams of one kind of clients. */
	streams(budget: StreamBudget): PlaceUse {
		return this.#places.use(budget);
	}

	/** Whether clients watch the project or a customer of it, here or elsewhere, or may resume. If not, there is no need to publish. */
	watches(projectId: string): boolean {
		if (this.#watched.has(projectId) || this.#customers.has(projectId)) return true;
		const { watchedElsewhere: topics } = this.#wire;
		return topics.size > 0 && (topics.has(projectId) || topics.has(topicOfCustomers(projectId)));
	}

	/** Whether clients watch a customer of the project, here or elsewhere, or may resume. */
	watchesCustomers(projectId: string): boolean {
		const { watchedElsewhere: topics } = this.#wire;
		return this.#customers.has(projectId) || (topics.size > 0 && topics.has(topicOfCustomers(projectId)));
	}

	/** Adds an item to the feed of a project, if it is watched. `customers` are those whom it is about. */
	publish(projectId: string, fact: LiveFact, customers: EventCustomers = null): void {
		const shared = { customerId: null, customers, date: this.#parts.clock.now(), fact };
		this.#push(this.#watched.get(projectId), shared);
		const { watchedElsewhere: topics } = this.#wire;
		if (topics.size > 0 && topics.has(projectId)) this.#wire.publish(projectId, shared);
	}

	/** Adds an item to the feed of a customer, if it is watched. */
	publishTo(projectId: string, customerId: string, fact: LiveFact): void {
		const shared = { customerId, customers: customerId, date: this.#parts.clock.now(), fact };
		this.#push(this.#find(projectId, customerId), shared);
		const { watchedElsewhere: topics } = this.#wire;
		if (topics.size === 0) return;
		const topic = topicOfCustomers(projectId);
		if (topics.has(topic)) this.#wire.publish(topic, shared);
	}

	/** Another process has published this. */
	published(topic: string, shared: SharedFact): void {
		this.#push(this.#find(projectOfTopic(topic), shared.customerId), shared);
	}

	/** Items of a topic (null: of any) that other processes have published were perhaps lost: clients are told. */
	missed(topic: string | null): void {
		const all = topic === null ? this.#all() : this.#feedsOf(projectOfTopic(topic));
		for (const { feed, clients } of all) {
			feed.noteMissed();
			for (const client of clients) client.missed(MISSED);
		}
	}

	#push(watched: Watched | undefined, { customers, date, fact }: SharedFact): void {
		if (watched === undefined) return;
		const { feed } = watched;
		const sizeBefore = feed.size;
		const item = feed.push(fact, date, customers);
		this.#keptCount += feed.size - sizeBefore;
		for (const client of watched.clients) client.offer(item, feed.last);
		if (this.#keptCount > this.#limits.keptInAll) this.#shrink();
	}

	async prepare(scope: Scope): Promise<void> {
		this.#refuseIfClosed();
		const watched = this.#watch(scope);
		this.#forgetLater(watched);
		await this.#wire.watch(topicOf(watched));
	}

	subscribe(request: LiveRequest): LiveSubscription {
		const { scope } = request;
		const projectId = projectOf(scope);
		this.#refuseIfClosed();
		if (scope.kind === "customer" && this.#streamsOf(scope) >= this.#maxStreamsOfCustomer(projectId)) {
			throw tooManyStreams("The customer");
		}
		const budget = budgetOf(request);
		const customerId = customerOf(scope);
		const answer = this.#places.ask(budget, projectId, customerId);
		if (answer.kind === "refused") throw tooManyStreams("The project");
		if (answer.kind === "give up") this.#giveUpOne(budget, answer, projectId);
		const watched = this.#watch(scope);
		const client = new LiveClient(this.#parts, watched.feed, request, () => this.#left(watched, client));
		watched.clients.add(client);
		this.#places.take(budget, projectId, customerId);
		return client;
	}

	poll({ scope, filter, lastEventId, limit }: LivePoll): LivePollResult {
		this.#refuseIfClosed();
		const watched = this.#watch(scope);
		this.#forgetLater(watched);
		const { feed } = watched;
		const { position: start, gap } = feed.resume(lastEventId);
		const wants = matcher(filter);
		const items: LiveItem[] = [];
		let position = start;
		while (position < feed.last && items.length < limit) {
			const item = feed.at(++position);
			if (wants(item)) items.push(item);
		}
		return { items, gap, lastEventId: feed.idAt(position), hasMore: position < feed.last };
	}

	#find(projectId: string, customerId: string | null): Watched | undefined {
		if (customerId === null) return this.#watched.get(projectId);
		return this.#customers.get(projectId)?.get(customerId);
	}

	#streamsOf(scope: Scope): number {
		return this.#find(projectOf(scope), customerOf(scope))?.clients.size ?? 0;
	}

	#maxStreamsOfCustomer(projectId: string): number {
		const own = this.#near.directory.project(projectId).maxStreamsPerCustomer;
		return own ?? this.#given.maxStreamsPerCustomer ?? DEFAULT_LIMITS.maxStreamsPerCustomer;
	}

	/** A key was changed: streams that were opened with it end earlier or later than they were to. */
	keyChanged(key: ApiKey): void {
		for (const { clients } of this.#all()) for (const client of clients) client.keyChanged(key);
	}

	/** Ends the streams that were opened with these keys. */
	keysDeleted(ids: ReadonlySet<string>): void {
		this.#end("the key was deleted", ({ keyId }) => keyId !== null && ids.has(keyId));
	}

	/** Ends the streams that were opened in these sessions. */
	sessionsEnded(ids: ReadonlySet<string>): void {
		this.#end("the session was ended", ({ sessionId }) => sessionId !== null && ids.has(sessionId));
	}

	/** Ends the streams that were opened with the tokens of these portal sessions. */
	portalSessionsEnded(ids: ReadonlySet<string>): void {
		this.#end("the portal session was ended", ({ portalSessionId: id }) => id !== null && ids.has(id));
	}

	/** Ends its streams, and forgets its items: the next customer with this id is another one. */
	customerDeleted(projectId: string, customerId: string): void {
		const watched = this.#find(projectId, customerId);
		if (watched === undefined) return;
		for (const client of watched.clients) client.end({ type: "end", reason: "the customer was deleted" });
		this.#forget(watched);
	}

	projectDeleted(projectId: string): void {
		this.#end("the project was deleted", (client) => client.projectId === projectId);
		for (const watched of this.#feedsOf(projectId)) this.#forget(watched);
	}

	/** Ends all streams, and accepts no new ones. */
	close(): void {
		this.#closed = true;
		this.#end("the server is shutting down", () => true);
		for (const watched of this.#all()) this.#forget(watched);
	}

	#refuseIfClosed(): void {
		if (this.#closed) {
			throw new FanfareError("shutting_down", "The server is shutting down. Connect again later.");
		}
	}

	/** The feed of a scope, which is not forgotten as long as nobody calls `forgetLater`. */
	#watch(scope: Scope): Watched {
		const [projectId, customerId] = [projectOf(scope), customerOf(scope)];
		const known = this.#find(projectId, customerId);
		known?.cancelEnd?.();
		if (known !== undefined) {
			known.cancelEnd = null;
			return known;
		}
		const { kept, keptForCustomer } = this.#limits;
		const capacity = customerId === null ? kept : Math.min(kept, keptForCustomer);
		const feed = new LiveFeed(projectId, capacity, randomBytes(this.#parts.chance, 8).toString("hex"));
		const watched = { customerId, feed, clients: new Set<LiveClient>(), cancelEnd: null };
		void this.#wire.watch(topicOf(watched));
		if (customerId === null) this.#watched.set(projectId, watched);
		else {
			const customers = this.#customers.get(projectId);
			if (customers === undefined) this.#customers.set(projectId, new Map([[customerId, watched]]));
			else customers.set(customerId, watched);
		}
		return watched;
	}

	#feedsOf(projectId: string): Watched[] {
		const whole = this.#watched.get(projectId);
		return [...(whole === undefined ? [] : [whole]), ...(this.#customers.get(projectId)?.values() ?? [])];
	}

	#all(): Watched[] {
		const ofCustomers = [...this.#customers.values()].flatMap((customers) => [...customers.values()]);
		return [...this.#watched.values(), ...ofCustomers];
	}

	#end(reason: string, which: (client: LiveClient) => boolean): void {
		for (const { clients } of this.#all()) {
			for (const client of clients) if (which(client)) client.end({ type: "end", reason });
		}
	}

	/** Ends the newest stream of a budget that a project, or a customer of it, has. A project, or a customer of it, needs the place. */
	#giveUpOne(budget: StreamBudget, { projectId, customerId }: GiveUp, needing: string): void {
		const clients = [...(this.#find(projectId, customerId)?.clients ?? [])];
		const newest = clients.findLast((client) => client.budget === budget);
		const who = projectId === needing ? "another client" : "another project";
		newest?.end({ type: "end", reason: `${who}, which has fewer streams, needs one` });
	}

	/** Called once for each client, when its stream is ended or the client has gone. */
	#left(watched: Watched, client: LiveClient): void {
		if (!watched.clients.delete(client)) return;
		this.#places.giveBack(client.budget, client.projectId, watched.customerId);
		this.#forgetLater(watched);
	}

	/** Forgets the feed after a while if no client has come until then. */
	#forgetLater(watched: Watched): void {
		if (watched.clients.size > 0 || this.#find(watched.feed.projectId, watched.customerId) !== watched) return;
		watched.cancelEnd?.();
		watched.cancelEnd = this.#parts.clock.after(this.#limits.lingerMs, () => this.#forget(watched));
	}

	#forget(watched: Watched): void {
		watched.cancelEnd?.();
		const { customerId, feed } = watched;
		const { projectId } = feed;
		if (this.#find(projectId, customerId) !== watched) return;
		this.#keptCount -= feed.size;
		if (customerId === null) {
			this.#watched.delete(projectId);
			this.#wire.unwatch(topicOf(watched));
			return;
		}
		const customers = this.#customers.get(projectId);
		customers?.delete(customerId);
		if (customers?.size !== 0) return;
		this.#customers.delete(projectId);
		this.#wire.unwatch(topicOf(watched));
	}

	/** Drops the oldest items of the projects that have most, so that no project loses any that has fewer than those. */
	#shrink(): void {
		const byProject = Map.groupBy(this.#all(), ({ feed }) => feed.projectId);
		const projects = [...byProject.values()].map((feeds) => ({ feeds, size: sizeOf(feeds) }));
		projects.sort((a, b) => a.size - b.size);
		let room = Math.floor(this.#limits.keptInAll * AFTER_SHRINKING);
		this.#keptCount = 0;
		for (const [index, { feeds }] of projects.entries()) {
			shrinkTo(feeds, Math.floor(room / (projects.length - index)));
			const size = sizeOf(feeds);
			room -= size;
			this.#keptCount += size;
		}
	}
}

/** What other processes are asked for: the feed of a project, or those of all its customers. */
function topicOf({ customerId, feed }: Watched): string {
	return customerId === null ? feed.projectId : topicOfCustomers(feed.projectId);
}

function topicOfCustomers(projectId: string): string {
	return `${projectId}/customers`;
}

function projectOfTopic(topic: string): string {
	return topic.split("/", 1)[0] ?? topic;
}

function sizeOf(feeds: readonly Watched[]): number {
	return feeds.reduce((sum, { feed }) => sum + feed.size, 0);
}

/** Drops the oldest items of the largest of a project's feeds. */
function shrinkTo(feeds: readonly Watched[], most: number): void {
	let room = most;
	const sorted = feeds.toSorted((a, b) => a.feed.size - b.feed.size);
	for (const [index, { feed, clients }] of sorted.entries()) {
		const share = Math.floor(room / (sorted.length - index));
		if (feed.size > share) {
			feed.shrinkTo(share);
			for (const client of clients) client.checkPosition();
		}
		room -= feed.size;
	}
}

function tooManyStreams(who: string): FanfareError {
	return new FanfareError(
		"too_many_streams",
		`${who} has its share of the live streams. Poll GET …/stream/items meanwhile, and connect again later.`,
	);
}

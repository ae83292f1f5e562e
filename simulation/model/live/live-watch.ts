// All clients of live streams, and which feeds the server keeps for them.
import { projectScope } from "../../../packages/server/src/core/access/principal.ts";
import type { LiveFilter } from "../../../packages/server/src/core/live.ts";
import type { Engine } from "../../../packages/server/src/engine/calls.ts";
import type { RunEndKind, RunScope } from "../../world/run-scope.ts";
import type { World } from "../../world/world.ts";
import type { Book, ProjectModel } from "../book.ts";
import type { KeyModel } from "../management/key-checks.ts";
import { LiveClient } from "./live-client.ts";
import { LiveFacts, type Fact } from "./live-facts.ts";

/** The items of a project are kept for this long after its last client has gone. */
const LINGER_MS = 60_000;

/** The calls that tell the facts of what later ones only name: the first client may come between them. */
const NAMED_BY: ReadonlySet<string> = new Set(["insertWebhook", "updateWebhook", "insertReplays"]);

/** The items of one project that the server keeps, from its first client on. */
interface Feed {
	readonly clients: Set<LiveClient>;
	generation: number;
	/** Since when it has had no client, in monotonic time. */
	emptySince: number;
}

/** Where a client connects: a run, and whether nothing is on its way in it. */
export interface Connecting {
	readonly run: RunScope;
	readonly engine: Engine;
	readonly isCalm: boolean;
}

export class LiveWatch {
	readonly #world: World;
	readonly #facts: LiveFacts;
	readonly #clients: LiveClient[] = [];
	readonly #feeds = new Map<string, Feed>();

	constructor(world: World, book: Book) {
		this.#world = world;
		this.#facts = new LiveFacts(world, book);
	}

	get clients(): readonly LiveClient[] {
		return this.#clients;
	}

	/** A new client, which is not connected. */
	add(project: ProjectModel, filter: LiveFilter, key: KeyModel | null): LiveClient {
		const client = new LiveClient(`client ${this.#clients.length}`, this.#world, project, filter, key);
		this.#clients.push(client);
		return client;
	}

	/** Connects a client, from where it was if it was connected before. A client whose key is gone is refused. */
	connect(client: LiveClient, { run, engine, isCalm }: Connecting): void {
		const { project, filter, key, lastId } = client;
		const principal = key === null ? null : engine.keys.authenticate(key.secretKey);
		if (key !== null && principal === null) return;
		const request = {
			kind: "api" as const,
			scope: projectScope(project.id),
			principal,
			filter,
			lastEventId: lastId,
			abandon: () => this.#world.breach("live stream", "a client that reads everything was disconnected by force"),
		};
		const stream = engine.live.subscribe(request);
		const feed = this.#feedOf(project);
		feed.clients.add(client);
		client.connect(run, stream, feed.generation, isCalm, () => this.#left(client));
	}

	disconnect(client: LiveClient): void {
		client.disconnect();
		this.#left(client);
	}

	/** The store has executed a call. */
	async executed(name: string, parameters: readonly unknown[], result: unknown): Promise<void> {
		// The facts must know all webhooks and replays, but need not read deliveries for nobody.
		if (this.#clients.length === 0 && !NAMED_BY.has(name)) return;
		this.#happened(await this.#facts.of(name, parameters, result));
	}

	/** An attempt of a delivery has ended. */
	attemptEnded(eventId: string, webhookId: string, responseCode: number): void {
		if (this.#clients.length > 0) this.#happened(this.#facts.attemptEnded(eventId, webhookId, responseCode));
	}

	#happened(facts: readonly Fact[]): void {
		for (const fact of facts) for (const client of this.#clients) client.happened(fact);
	}

	/** To be called when nothing is on its way. */
	check(): void {
		for (const client of this.#clients) {
			client.check();
			if (!client.isConnected) continue;
			if (client.key?.deleted === true) this.#world.breach("live stream", "a stream goes on after its key was deleted");
			if (client.project.deleted) this.#world.breach("live stream", "a stream goes on after its project was deleted");
		}
	}

	/** The streams of a run end with it. A stop says so to each client. */
	runEnded(how: RunEndKind): void {
		for (const client of this.#clients) {
			if (how !== "died" && client.isConnected && !client.wasEnded) {
				this.#world.breach("live stream", "a client was not told that the server stops");
			}
			client.runEnded();
		}
		for (const feed of this.#feeds.values()) {
			feed.clients.clear();
			feed.generation++;
		}
	}

	#left(client: LiveClient): void {
		const feed = this.#feeds.get(client.project.id);
		if (feed?.clients.delete(client) === true) feed.emptySince = this.#world.clock.monotonicMs();
	}

	#feedOf({ id }: ProjectModel): Feed {
		const now = this.#world.clock.monotonicMs();
		const feed = this.#feeds.get(id) ?? { clients: new Set(), generation: 0, emptySince: now };
		if (feed.clients.size === 0 && now - feed.emptySince >= LINGER_MS) feed.generation++;
		this.#feeds.set(id, feed);
		return feed;
	}
}

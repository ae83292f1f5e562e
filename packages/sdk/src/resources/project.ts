// A project: a tenant, and what belongs to it.
import { path, type RequestOptions, type Transport } from "../transport.ts";
import { Deliveries } from "./deliveries.ts";
import { EventTypes } from "./event-types.ts";
import { Events } from "./events.ts";
import { Replays } from "./replays.ts";
import { getStats, type Stats, type StatsParams } from "./stats.ts";
import { openStream, type StreamItem, type StreamParams } from "./stream.ts";
import { Webhooks } from "./webhooks.ts";

const PREFIX = "proj_";

/** A project by its id alone, for work in it without asking for it first. */
export class ProjectHandle {
	readonly id: string;
	readonly #batch: { readonly webhooks: Webhooks };
	readonly #events: Events;
	readonly #deliveries: Deliveries;
	readonly #eventTypes: EventTypes;
	readonly #transport: Transport;
	readonly #replays: Replays;

	constructor(transport: Transport, id: string) {
		this.id = withPrefix(id);
		this.#batch = { webhooks: new Webhooks(transport, this.id) };
		this.#events = new Events(transport, this.id);
		this.#deliveries = new Deliveries(transport, this.id);
		this.#eventTypes = new EventTypes(transport, this.id);
		this.#transport = transport;
		this.#replays = new Replays(transport, this.id);
	}

	// Getters: what a project logs and serializes to is its own fields.
	get batch(): { readonly webhooks: Webhooks } {
		return this.#batch;
	}

	get events(): Events {
		return this.#events;
	}

	get deliveries(): Deliveries {
		return this.#deliveries;
	}

	get eventTypes(): EventTypes {
		return this.#eventTypes;
	}

	/**
	 * What happens in the project, live: ids, types, statuses and durations. Goes on until you leave the loop or abort: a lost connection is
	 * made again where it was, and a `gap` item says where something may be missing.
	 *
	 * @example
	 * for await (const item of project.stream({ kinds: ["attempt.finished"] })) {
	 * 	if (item.kind === "attempt.finished") console.log(item.webhookId, item.responseCode, item.durationMs);
	 * }
	 */
	stream(params: StreamParams = {}, options: RequestOptions = {}): AsyncIterable<StreamItem> {
		return openStream(this.#transport, this.id, params, options);
	}

	/**
	 * What happened in the project in each minute, hour or day, without gaps, and how many deliveries are in each status now.
	 *
	 * @example
	 * const { data, deliveries } = await project.stats({ width: "day" });
	 * for (const { start, succeeded, exhausted } of data) console.log(new Date(start), succeeded, exhausted);
	 */
	async stats(params: StatsParams = {}, options?: RequestOptions): Promise<Stats> {
		return getStats(this.#transport, projectPath(this.id), params, options);
	}

	get replays(): Replays {
		return this.#replays;
	}
}

/** Figures of Nexus that Fanfare has no use for: always empty. Events and deliveries are counted by `project.stats`. */
export interface ProjectStatistic {
	readonly tagsCount: readonly unknown[];
	readonly totalAssets: number;
	readonly annotatedAssets: number;
	readonly totalAnnotations: number;
}

/** A project's own fields. */
export interface ProjectFields {
	/** `proj_` and 32 hex digits. */
	readonly id: string;
	readonly object: "project";
	readonly name: string;
	readonly workspaceId: string;
	readonly type: string;
	readonly createDate: number;
	readonly localization: string;
	readonly tags: readonly string[];
	readonly groups: readonly string[];
	readonly statistic: ProjectStatistic;
	/** `eventTypes` on the wire, where it is no name of the catalogue. */
	readonly eventTypePolicy?: EventTypePolicy;
	/** Days that events are kept; 0: for ever. Null: as the server's settings say. */
	readonly retentionDays?: number | null;
	/** Days that payloads are kept; 0: as long as their event. Null: as the server's settings say. */
	readonly payloadRetentionDays?: number | null;
}

/** `catalogued`: only events of types in the catalogue, with data that fits their schema. `open`: any. */
export type EventTypePolicy = "open" | "catalogued";

/** A project as it travels. */
export interface WireProject extends Omit<ProjectFields, "eventTypePolicy"> {
	readonly eventTypes?: EventTypePolicy;
}

/** A project as the server knows it, and a handle to work in it. */
export class Project extends ProjectHandle implements ProjectFields {
	readonly object: "project";
	readonly name: string;
	readonly workspaceId: string;
	readonly type: string;
	readonly createDate: number;
	readonly localization: string;
	readonly tags: readonly string[];
	readonly groups: readonly string[];
	readonly statistic: ProjectStatistic;
	// Declared only: what the server doesn't say is not there, rather than there as undefined.
	declare readonly eventTypePolicy?: EventTypePolicy;
	declare readonly retentionDays?: number | null;
	declare readonly payloadRetentionDays?: number | null;

	constructor(transport: Transport, fields: WireProject) {
		super(transport, fields.id);
		this.object = fields.object;
		this.name = fields.name;
		this.workspaceId = fields.workspaceId;
		this.type = fields.type;
		this.createDate = fields.createDate;
		this.localization = fields.localization;
		this.tags = fields.tags;
		this.groups = fields.groups;
		this.statistic = fields.statistic;
		if (fields.eventTypes !== undefined) this.eventTypePolicy = fields.eventTypes;
		if (fields.retentionDays !== undefined) this.retentionDays = fields.retentionDays;
		if (fields.payloadRetentionDays !== undefined) this.payloadRetentionDays = fields.payloadRetentionDays;
	}
}

/** The path of a project by its id, whose prefix may be missing. */
export function projectPath(id: string): string {
	return path`/projects/${withPrefix(id)}`;
}

/** `id` with `proj_` in front. */
export function withPrefix(id: string): string {
	if (typeof id !== "string" || id === "" || id === PREFIX) {
		throw new TypeError(`A project id must be a string such as "proj_ca5f…", got ${JSON.stringify(id) ?? typeof id}.`);
	}
	return id.startsWith(PREFIX) ? id : PREFIX + id;
}

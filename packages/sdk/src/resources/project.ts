// A project: its fields, and access to its webhooks, events, deliveries, event types, replays and stats.
import { path, type RequestOptions, type Transport } from "../transport.ts";
import type * as wire from "../wire/generated/types.ts";
import { toSdkNames, type NamesOf } from "../wire/names.ts";
import { Deliveries } from "./deliveries.ts";
import { EventTypes } from "./event-types.ts";
import { Events } from "./events.ts";
import { Replays } from "./replays.ts";
import { getStats, type Stats, type StatsParams } from "./stats.ts";
import { openStream, type StreamItem, type StreamParams } from "./stream.ts";
import { Webhooks } from "./webhooks.ts";

const PREFIX = "proj_";

/** Access to a project by its id, without fetching it first. Returned by `client.project`. */
export class ProjectHandle {
	/** `proj_` and 32 hex digits. */
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

	// Getters on the prototype, so that console.log and JSON.stringify show only a project's own fields.
	/** The webhooks of the project, as `batch.webhooks`. */
	get batch(): { readonly webhooks: Webhooks } {
		return this.#batch;
	}

	/** The events of the project. */
	get events(): Events {
		return this.#events;
	}

	/** The deliveries of the project. */
	get deliveries(): Deliveries {
		return this.#deliveries;
	}

	/** The event types of the project. */
	get eventTypes(): EventTypes {
		return this.#eventTypes;
	}

	/**
	 * Streams what happens in the project: ids, types, statuses and durations, without payloads. The stream ends only when
	 * you leave the loop or abort its signal. After a lost connection it continues at the same place, and a `gap` item
	 * says where items may be missing.
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
	 * Returns counts and latencies of deliveries per minute, hour or day, and the current number of deliveries by status.
	 *
	 * @example
	 * const { data, deliveries } = await project.stats({ width: "day" });
	 * for (const { start, succeeded, exhausted } of data) console.log(new Date(start), succeeded, exhausted);
	 */
	async stats(params: StatsParams = {}, options?: RequestOptions): Promise<Stats> {
		return getStats(this.#transport, projectPath(this.id), params, options);
	}

	/** The replays of the project. */
	get replays(): Replays {
		return this.#replays;
	}
}

/** Numbers that Nexus counts and Fanfare does not: always empty or 0. `project.stats` counts events and deliveries. */
export interface ProjectStatistic {
	readonly tagsCount: readonly unknown[];
	readonly totalAssets: number;
	readonly annotatedAssets: number;
	readonly totalAnnotations: number;
}

/** The fields of a project. */
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
	/** Which events it accepts. Called `eventTypes` in the HTTP API and in `projects.update`. */
	readonly eventTypePolicy?: EventTypePolicy;
	/** Days that events are kept; 0 for forever, null for the server's setting. */
	readonly retentionDays?: number | null;
	/** Days that payloads are kept; 0 for as long as their event, null for the server's setting. */
	readonly payloadRetentionDays?: number | null;
}

/**
 * `catalogued`: accepts only events of the project's event types, with data that fits the schema. `open`: accepts any
 * event.
 */
export type EventTypePolicy = "open" | "catalogued";

/** The only field of a project that the SDK calls differently, because `project.eventTypes` are its event types. */
export const PROJECT_NAMES = { eventTypes: "eventTypePolicy" } as const satisfies NamesOf<wire.Project, ProjectFields>;

/** A project with its fields, and access to everything in it. Returned by `client.getProject`. */
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
	// Only declared: a field that the server does not send is absent, rather than present as undefined.
	declare readonly eventTypePolicy?: EventTypePolicy;
	declare readonly retentionDays?: number | null;
	declare readonly payloadRetentionDays?: number | null;

	constructor(transport: Transport, project: wire.Project) {
		super(transport, project.id);
		const fields: ProjectFields = toSdkNames(project, PROJECT_NAMES);
		this.object = fields.object;
		this.name = fields.name;
		this.workspaceId = fields.workspaceId;
		this.type = fields.type;
		this.createDate = fields.createDate;
		this.localization = fields.localization;
		this.tags = fields.tags;
		this.groups = fields.groups;
		this.statistic = fields.statistic;
		if (fields.eventTypePolicy !== undefined) this.eventTypePolicy = fields.eventTypePolicy;
		if (fields.retentionDays !== undefined) this.retentionDays = fields.retentionDays;
		if (fields.payloadRetentionDays !== undefined) this.payloadRetentionDays = fields.payloadRetentionDays;
	}
}

/** The path of a project. The id's prefix is optional. */
export function projectPath(id: string): string {
	return path`/projects/${withPrefix(id)}`;
}

/** Adds `proj_` to the id if it is missing. Throws a `TypeError` if it is not an id. */
export function withPrefix(id: string): string {
	if (typeof id !== "string" || id === "" || id === PREFIX) {
		throw new TypeError(`A project id must be a string such as "proj_ca5f…", got ${JSON.stringify(id) ?? typeof id}.`);
	}
	return id.startsWith(PREFIX) ? id : PREFIX + id;
}

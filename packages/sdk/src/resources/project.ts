// A project: its fields, and access to its webhooks, events, deliveries, event types, replays and stats.
import { openStream, pollStream } from "../streaming/live-stream.ts";
import { path, type RequestOptions, type Transport } from "../transport.ts";
import type * as wire from "../wire/generated/types.ts";
import { toSdkNames, type NamesOf } from "../wire/names.ts";
import { ProjectAudit } from "./audit.ts";
import { Customers } from "./customers.ts";
import { Deliveries } from "./deliveries/deliveries.ts";
import { EventTypes } from "./event-types.ts";
import type { AnyEvents } from "./event.ts";
import { Events } from "./events.ts";
import { PortalSessions } from "./portal-sessions.ts";
import { Relays } from "./relays/relays.ts";
import { Replays } from "./replays.ts";
import { getStats, type Stats, type StatsParams } from "./stats.ts";
import type { PollStreamParams, StreamItem, StreamItems, StreamOptions, StreamParams } from "./stream.ts";
import { Webhooks } from "./webhooks/webhooks.ts";

const PREFIX = "proj_";

/** The calls that the Nexus SDK has under `batch` of a project. */
export interface Batch {
	/** The webhooks of the project. */
	readonly webhooks: Webhooks;
}

/** Access to a project by its id, without fetching it first. Returned by `client.project`. */
export class ProjectHandle<Types extends object = AnyEvents> {
	/** `proj_` and 32 hex digits. */
	readonly id: string;
	readonly #batch: Batch;
	readonly #events: Events<Types>;
	readonly #deliveries: Deliveries;
	readonly #eventTypes: EventTypes;
	readonly #transport: Transport;
	readonly #relays: Relays;
	readonly #replays: Replays;
	readonly #customers: Customers;
	readonly #portalSessions: PortalSessions;
	readonly #audit: ProjectAudit;

	/** @internal */
	constructor(transport: Transport, id: string) {
		this.id = withPrefix(id);
		this.#batch = { webhooks: new Webhooks(transport, this.id) };
		this.#events = new Events(transport, this.id);
		this.#deliveries = new Deliveries(transport, this.id);
		this.#eventTypes = new EventTypes(transport, this.id);
		this.#transport = transport;
		this.#relays = new Relays(transport, this.id);
		this.#replays = new Replays(transport, this.id);
		this.#customers = new Customers(transport, this.id);
		this.#portalSessions = new PortalSessions(transport, this.id);
		this.#audit = new ProjectAudit(transport, this.id);
	}

	// Getters on the prototype, so that console.log and JSON.stringify show only a project's own fields.
	/** The webhooks of the project, as `batch.webhooks`. */
	get batch(): Batch {
		return this.#batch;
	}

	/** The events of the project. */
	get events(): Events<Types> {
		return this.#events;
	}

	/** The deliveries of the project. */
	get deliveries(): Deliveries {
		return this.#deliveries;
	}

	/** The audit log of the project. */
	get audit(): ProjectAudit {
		return this.#audit;
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
	stream(params: StreamParams = {}, options: StreamOptions = {}): AsyncIterable<StreamItem> {
		return openStream(this.#transport, this.id, params, options);
	}

	/**
	 * Fetches what the stream has contained since `lastEventId`, for programs that can't keep a stream open. `stream` does
	 * this by itself while the server has no stream left. The first call has no items, only a position.
	 *
	 * @example
	 * const { lastEventId } = await project.pollStream();
	 * const { data } = await project.pollStream({ lastEventId });
	 */
	async pollStream(params: PollStreamParams = {}, options?: RequestOptions): Promise<StreamItems> {
		return pollStream(this.#transport, this.id, params, options);
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

	/**
	 * Returns what the project has stored, and the quotas that apply to its sends.
	 *
	 * @example
	 * const { storedBytes, maxStoredBytes } = await project.usage();
	 */
	async usage(options?: RequestOptions): Promise<ProjectUsage> {
		const request = { method: "GET", path: `${projectPath(this.id)}/usage`, answer: "projectUsage" } as const;
		return this.#transport.request<ProjectUsage>(request, options);
	}

	/** The customers of the project, whom webhooks belong to. */
	get customers(): Customers {
		return this.#customers;
	}

	/** The portal sessions of the project: tokens with which your customers use the portal. */
	get portalSessions(): PortalSessions {
		return this.#portalSessions;
	}

	/** The relays of the project: webhooks whose receiver is a program that connects to them, such as this one. */
	get relays(): Relays {
		return this.#relays;
	}

	/** The replays of the project. */
	get replays(): Replays {
		return this.#replays;
	}
}

/** The usage of a project: the bytes that it has stored, and its quotas. */
export interface ProjectUsage {
	/** Always `"projectUsage"`. */
	readonly object: "projectUsage";
	/** About how many bytes the project's events, deliveries and attempts take. */
	readonly storedBytes: number;
	/** The quota that applies to the project: events per second; 0 for none. */
	readonly maxEventsPerSecond: number;
	/** The quota that applies to the project: stored bytes; 0 for none. */
	readonly maxStoredBytes: number;
	/** Changes that may be made in the project in a minute, on average; 0 for no quota. */
	readonly maxChangesPerMinute: number;
	/** Changes that each customer of the project may make in a minute, on average; 0 for no quota. */
	readonly maxChangesPerMinutePerCustomer: number;
	/** The server's settings. */
	readonly serverSettings: ServerSettings;
}

/** The server's settings of what a project can set for itself. Each applies while the project has not set its own. */
export interface ServerSettings {
	/** Days that events are kept; 0 for ever. */
	readonly retentionDays: number;
	/** Days that payloads are kept; 0 for as long as their event. */
	readonly payloadRetentionDays: number;
	/** Events per second; 0 for no quota. */
	readonly maxEventsPerSecond: number;
	/** Stored bytes; 0 for no quota. */
	readonly maxStoredBytes: number;
	/** Webhooks of each customer. */
	readonly maxWebhooksPerCustomer: number;
	/** Replays of each customer at once. */
	readonly maxReplaysPerCustomer: number;
	/** Live streams of each customer. */
	readonly maxStreamsPerCustomer: number;
	/** Tests of each customer under way. */
	readonly maxTestsPerCustomer: number;
}

/** Numbers that Nexus counts and Fanfare does not: always empty or 0. `project.stats` counts events and deliveries. */
export interface ProjectStatistic {
	/** Always empty. */
	readonly tagsCount: readonly unknown[];
	/** Always 0. */
	readonly totalAssets: number;
	/** Always 0. */
	readonly annotatedAssets: number;
	/** Always 0. */
	readonly totalAnnotations: number;
}

/** The fields of a project. */
export interface ProjectFields {
	/** `proj_` and 32 hex digits. */
	readonly id: string;
	/** Always `"project"`. */
	readonly object: "project";
	/** Its name. */
	readonly name: string;
	/** The workspace that it belongs to. */
	readonly workspaceId: string;
	/** The type, for the Nexus SDK. Without meaning in Fanfare. */
	readonly type: string;
	/** In milliseconds since the epoch. */
	readonly createDate: number;
	/** The localization, for the Nexus SDK. Without meaning in Fanfare. */
	readonly localization: string;
	/** The tags of Nexus: always empty. */
	readonly tags: readonly string[];
	/** The groups of Nexus: always empty. */
	readonly groups: readonly string[];
	/** The counts of Nexus: always empty or 0. */
	readonly statistic: ProjectStatistic;
	/** Which events it accepts. Called `eventTypes` in the HTTP API and in `projects.update`. */
	readonly eventTypePolicy?: EventTypePolicy;
	/** Days that events are kept; 0 for forever, null for the server's setting. */
	readonly retentionDays?: number | null;
	/** Days that payloads are kept; 0 for as long as their event, null for the server's setting. */
	readonly payloadRetentionDays?: number | null;
	/** Events that it may send in a second, on average; 0 for no quota, null for the server's setting. */
	readonly maxEventsPerSecond?: number | null;
	/** Bytes that it may have stored; 0 for no quota of its own, null for the server's setting. */
	readonly maxStoredBytes?: number | null;
	/** Webhooks that each of its customers may have; null for the server's setting. */
	readonly maxWebhooksPerCustomer?: number | null;
	/** Replays to the webhooks of each customer that may run at once; null for the server's setting. */
	readonly maxReplaysPerCustomer?: number | null;
	/** Live streams that each customer may have open; null for the server's setting. */
	readonly maxStreamsPerCustomer?: number | null;
	/** Tests of each customer's webhooks that may be under way; null for the server's setting. */
	readonly maxTestsPerCustomer?: number | null;
	/** Rises with each change of these settings. Present from the first change on; until then it is 1. */
	readonly revision?: number;
}

/**
 * `catalogued`: accepts only events of the project's event types, with data that fits the schema. `open`: accepts any
 * event.
 */
export type EventTypePolicy = "open" | "catalogued";

/** The only field of a project that the SDK calls differently, because `project.eventTypes` are its event types. */
export const PROJECT_NAMES = { eventTypes: "eventTypePolicy" } as const satisfies NamesOf<wire.Project, ProjectFields>;

/** A project with its fields, and access to everything in it. Returned by `client.getProject`. */
export class Project<Types extends object = AnyEvents> extends ProjectHandle<Types> implements ProjectFields {
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
	declare readonly maxEventsPerSecond?: number | null;
	declare readonly maxStoredBytes?: number | null;
	declare readonly maxWebhooksPerCustomer?: number | null;
	declare readonly maxReplaysPerCustomer?: number | null;
	declare readonly maxStreamsPerCustomer?: number | null;
	declare readonly maxTestsPerCustomer?: number | null;
	declare readonly revision?: number;

	/** @internal */
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
		if (fields.maxEventsPerSecond !== undefined) this.maxEventsPerSecond = fields.maxEventsPerSecond;
		if (fields.maxStoredBytes !== undefined) this.maxStoredBytes = fields.maxStoredBytes;
		const { maxWebhooksPerCustomer, maxReplaysPerCustomer, maxStreamsPerCustomer, maxTestsPerCustomer } = fields;
		if (maxWebhooksPerCustomer !== undefined) this.maxWebhooksPerCustomer = maxWebhooksPerCustomer;
		if (maxReplaysPerCustomer !== undefined) this.maxReplaysPerCustomer = maxReplaysPerCustomer;
		if (maxStreamsPerCustomer !== undefined) this.maxStreamsPerCustomer = maxStreamsPerCustomer;
		if (maxTestsPerCustomer !== undefined) this.maxTestsPerCustomer = maxTestsPerCustomer;
		if (fields.revision !== undefined) this.revision = fields.revision;
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

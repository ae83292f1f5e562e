// Event types: manages those of each project, and checks events of catalogued projects against them.
import { projectOf, wholeProject, type Scope } from "../../core/access/principal.ts";
import { SerialByKey } from "../../core/concurrency/serial-by-key.ts";
import { FanfareError, invalidRequest, type Issue } from "../../core/errors.ts";
import {
	isReservedEventType,
	MAX_EVENT_TYPES,
	RESERVED_TYPE_MESSAGE,
	TEST_EVENT_TYPE,
	type EventType,
} from "../../core/event-type.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import type { SchemaCheckError } from "../../ports/schema-validator.ts";
import type { DirectoryStore } from "../../ports/store/directory.ts";
import { WaitingChecks } from "../accepting/waiting-checks.ts";
import type { Change, EventTypes, EventTypePatch, EventTypeSettings } from "../calls.ts";
import type { Directory } from "../directory/directory.ts";
import type { EngineLimits, PartsOn } from "../parts.ts";
import type { TestSample } from "../webhook-test.ts";
import { auditEntry, withEntry, type MakeEntry } from "./changes/audit-entries.ts";
import { retried, revisionConflict, UNCHANGED } from "./changes/revisions.ts";
import { writeInProject } from "./changes/write-in-project.ts";

type Parts = Pick<PartsOn<DirectoryStore>, "store" | "clock" | "ids" | "changeRates" | "schemas" | "observer">;
type Limits = Pick<EngineLimits, "maxWaitingSends" | "maxWaitingBytes">;

/** The type and the data of an event: of one to check, or of the sample that a test of a webhook sends. */
export interface EventPayload {
	readonly type: string;
	readonly dataJson: string;
}

const NO_ISSUES: readonly Issue[] = [];
const UNKNOWN_TYPE: readonly Issue[] = [
	{ path: "type", message: "is not one of this project's event types: create the event type first" },
];

/**
 * The event types of all projects. The schema checks that wait for the validator are limited, by their number and by
 * the length of their texts, and projects share these limits.
 */
export class EventTypeCalls implements EventTypes {
	readonly #parts: Parts;
	readonly #limits: Limits;
	readonly #directory: Directory;
	/** Changes of the event types of one project run one after the other, so that none is lost. */
	readonly #changes = new SerialByKey();
	readonly #waiting = new WaitingChecks();

	constructor(parts: Parts, limits: Limits, directory: Directory) {
		this.#parts = parts;
		this.#limits = limits;
		this.#directory = directory;
	}

	async list(scope: Scope, archived: boolean | null, page: PageRequest): Promise<Page<EventType>> {
		this.#directory.project(projectOf(scope));
		return this.#parts.store.eventTypes(scope, archived, page);
	}

	async get(scope: Scope, name: string): Promise<EventType> {
		const projectId = projectOf(scope);
		this.#directory.project(projectId);
		const found = await this.#parts.store.eventType(projectId, name);
		if (found === null || isHidden(scope, found)) throw notFound();
		return found;
	}

	create(change: Change, name: string, settings: EventTypeSettings): Promise<EventType> {
		return this.#change(change, name, (known) => {
			if (known === null) return settings;
			throw new FanfareError("event_type_exists", "The project has an event type with this name. Update that one.", {
				issues: [{ path: "name", message: "is already the name of an event type" }],
			});
		});
	}

	put(change: Change, name: string, settings: EventTypeSettings): Promise<EventType> {
		return this.#change(change, name, () => settings);
	}

	update(change: Change, name: string, { revision, ...patch }: EventTypePatch): Promise<EventType> {
		return this.#change(change, name, (known) => {
			if (known === null) throw notFound();
			if (revision !== undefined && known.revision !== revision) throw revisionConflict("event type", known.revision);
			return { ...known, ...patch };
		});
	}

	async delete({ scope, audit }: Change, name: string): Promise<void> {
		const projectId = wholeProject(scope);
		this.#directory.project(projectId);
		await this.#changes.run(projectId, async () => {
			const entry = auditEntry(this.#parts, audit, { objectId: name, projectId });
			const version = await this.#parts.store.deleteEventType(projectId, name, entry);
			if (version === null) throw notFound();
			await this.#directory.eventTypeChanged(projectId, name, version, false);
		});
	}

	/**
	 * The reasons why a catalogued project refuses an event of this type with this data, with paths as in a send; empty
	 * if it is accepted. Throws `overloaded` if too many checks are waiting, or if the check itself fails. `bySchema` is called before the
	 * data is checked by the type's schema, if it has one.
	 */
	async check(projectId: string, { type, dataJson }: EventPayload, bySchema?: () => void): Promise<readonly Issue[]> {
		if (isReservedEventType(type)) return NO_ISSUES;
		const known = await this.#directory.eventType(projectId, type);
		if (known === null) return UNKNOWN_TYPE;
		if (known.archived) return [{ path: "type", message: "is an archived event type of this project" }];
		if (known.schemaJson === null) return NO_ISSUES;
		bySchema?.();
		return this.#validate(projectId, known.schemaJson, dataJson, "data");
	}

	/**
	 * The sample for a test of a webhook: the example of a type, archived or not, or data of the caller's own. Throws `invalid_request` if
	 * the type has no example, or if the project would refuse the data in an event of this type.
	 */
	async sample(scope: Scope, { eventType, dataJson }: TestSample): Promise<EventPayload> {
		const type = eventType ?? TEST_EVENT_TYPE;
		if (dataJson === null) return this.#example(scope, type);
		const issues = eventType === null ? NO_ISSUES : await this.#checkSample(scope, { type, dataJson });
		if (issues.length === 0) return { type, dataJson };
		throw invalidRequest(issues.map((issue) => (issue.path === "type" ? { ...issue, path: "eventType" } : issue)));
	}

	/** The same issues as a send would have, and to a customer what is internal looks like what does not exist. */
	async #checkSample(scope: Scope, { type, dataJson }: EventPayload): Promise<readonly Issue[]> {
		const projectId = projectOf(scope);
		if (isReservedEventType(type)) return [{ path: "type", message: RESERVED_TYPE_MESSAGE }];
		if (this.#directory.project(projectId).eventTypes !== "catalogued") return NO_ISSUES;
		const isUnknown = scope.kind === "customer" && this.#directory.isInternal(projectId, type);
		return isUnknown ? UNKNOWN_TYPE : this.check(projectId, { type, dataJson });
	}

	async #example(scope: Scope, name: string): Promise<EventPayload> {
		const known = await this.#parts.store.eventType(projectOf(scope), name);
		if (known === null || isHidden(scope, known)) {
			throw invalidRequest([{ path: "eventType", message: "is not one of this project's event types" }]);
		}
		if (known.exampleJson === null) {
			throw invalidRequest([
				{ path: "eventType", message: "has no example to send: add one to the event type, or omit `eventType`" },
			]);
		}
		return { type: name, dataJson: known.exampleJson };
	}

	/** Reads, changes, checks and writes one event type, after earlier changes in its project have ended. */
	async #change(
		{ scope, audit }: Change,
		name: string,
		change: (known: EventType | null) => EventTypeSettings,
	): Promise<EventType> {
		const projectId = wholeProject(scope);
		this.#directory.project(projectId);
		if (isReservedEventType(name)) {
			throw invalidRequest([{ path: "name", message: RESERVED_TYPE_MESSAGE }]);
		}
		const attempt = async (makeEntry: MakeEntry): Promise<EventType | typeof UNCHANGED> => {
			const known = await this.#parts.store.eventType(projectId, name);
			const {
				description,
				schemaJson,
				exampleJson,
				archived,
				visibility = known?.visibility ?? "public",
			} = change(known);
			// An unchanged schema and example are not checked again, so that a type with too slow a schema can still be
			// archived.
			const isNew = schemaJson !== known?.schemaJson || exampleJson !== known.exampleJson;
			if (isNew) await this.#checkSettings(projectId, schemaJson, exampleJson);
			// The project may have been deleted during the check.
			this.#directory.project(projectId);
			const now = this.#parts.clock.now();
			const dates = { createDate: known?.createDate ?? now, updateDate: Math.max(now, known?.updateDate ?? 0) };
			const eventType = {
				projectId,
				name,
				description,
				schemaJson,
				exampleJson,
				archived,
				visibility,
				...dates,
				revision: 0,
			};
			const options = { expected: known?.revision ?? null, limit: MAX_EVENT_TYPES, entry: makeEntry() };
			const put = () => this.#parts.store.putEventType(eventType, options);
			const result = await writeInProject(this.#directory, projectId, put);
			if (result === "changed") return UNCHANGED;
			if (result === "full") throw tooMany();
			await this.#directory.eventTypeChanged(projectId, name, result, visibility === "internal");
			return { ...eventType, revision: result };
		};
		// What others have written is read from the store each time.
		const refresh = () => Promise.resolve();
		const object = { objectId: name, projectId };
		const tried = () => withEntry(this.#parts, audit, object, (entry) => retried(() => attempt(entry), refresh));
		return this.#changes.run(projectId, tried);
	}

	async #checkSettings(projectId: string, schemaJson: string | null, exampleJson: string | null): Promise<void> {
		if (schemaJson === null) return;
		const schemaIssues = await this.#inspect(projectId, schemaJson);
		if (schemaIssues.length > 0) throw invalidRequest(schemaIssues);
		if (exampleJson === null) return;
		const exampleIssues = await this.#validate(projectId, schemaJson, exampleJson, "example");
		if (exampleIssues.length > 0) throw invalidRequest(exampleIssues);
	}

	#inspect(projectId: string, schemaJson: string): Promise<readonly Issue[]> {
		return this.#within(projectId, schemaJson.length, "schema", () =>
			this.#parts.schemas.inspect(projectId, schemaJson),
		);
	}

	#validate(projectId: string, schemaJson: string, dataJson: string, field: string): Promise<readonly Issue[]> {
		return this.#within(projectId, dataJson.length, field, () =>
			this.#parts.schemas.check(projectId, schemaJson, dataJson),
		);
	}

	/** Makes one check within the limits. Prefixes the paths of its issues with `field`, the name in the request. */
	async #within(
		projectId: string,
		length: number,
		field: string,
		check: () => Promise<readonly Issue[]>,
	): Promise<readonly Issue[]> {
		if (!this.#waiting.add(projectId, length, this.#limits)) {
			this.#parts.observer.eventRefused("overloaded");
			throw new FanfareError("overloaded", "Too many schema checks are waiting. Try again a little later.");
		}
		try {
			const issues = await check();
			return issues.map(({ path, message }) => ({ path: path === "" ? field : `${field}.${path}`, message }));
		} catch (error) {
			throw this.#checkFailed(error as SchemaCheckError);
		} finally {
			this.#waiting.remove(projectId, length);
		}
	}

	#checkFailed(cause: SchemaCheckError): FanfareError {
		this.#parts.observer.problem("a schema check failed", cause);
		return new FanfareError("overloaded", "The schema check itself failed. Try again a little later.", {
			cause,
		});
	}
}

/** A customer sees no internal types. */
function isHidden(scope: Scope, { visibility }: EventType): boolean {
	return scope.kind === "customer" && visibility === "internal";
}

function notFound(): FanfareError {
	return new FanfareError("event_type_not_found", "There is no such event type in this project.");
}

function tooMany(): FanfareError {
	return new FanfareError(
		"too_many_event_types",
		`A project has at most ${MAX_EVENT_TYPES} event types. Delete some that are no longer needed.`,
	);
}

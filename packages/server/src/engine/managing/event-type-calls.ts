// The catalogue of event types: kept here, and what the events of catalogued projects are checked by.
import { FanfareError, invalidRequest, type Issue } from "../../core/errors.ts";
import { isReservedEventType, MAX_EVENT_TYPES, type EventType } from "../../core/event-type.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import type { SchemaCheckError } from "../../ports/schema-validator.ts";
import type { EventTypes, EventTypeSettings, Projects } from "../calls.ts";
import { EventTypeCache } from "../directory/event-type-cache.ts";
import type { EngineLimits, EngineParts } from "../parts.ts";
import { SerialByKey } from "./serial-by-key.ts";

/** What a test of a webhook sends. */
export interface TestPayload {
	readonly type: string;
	readonly dataJson: string;
}

const FITS: readonly Issue[] = [];

export class EventTypeCalls implements EventTypes {
	readonly #parts: EngineParts;
	readonly #limits: EngineLimits;
	readonly #projects: Pick<Projects, "get">;
	readonly #cache: EventTypeCache;
	/** Changes of the event types of one project run one after the other, so that none is lost. */
	readonly #changes = new SerialByKey();
	#waitingChecks = 0;
	#waitingLength = 0;

	constructor(parts: EngineParts, limits: EngineLimits, projects: Pick<Projects, "get">) {
		this.#parts = parts;
		this.#limits = limits;
		this.#projects = projects;
		this.#cache = new EventTypeCache((projectId, name) => parts.store.eventType(projectId, name));
	}

	async list(projectId: string, archived: boolean | null, page: PageRequest): Promise<Page<EventType>> {
		this.#projects.get(projectId);
		return this.#parts.store.eventTypes(projectId, archived, page);
	}

	async get(projectId: string, name: string): Promise<EventType> {
		this.#projects.get(projectId);
		const found = await this.#parts.store.eventType(projectId, name);
		if (found === null) throw notFound();
		return found;
	}

	create(projectId: string, name: string, settings: EventTypeSettings): Promise<EventType> {
		return this.#change(projectId, name, (known) => {
			if (known === null) return settings;
			throw new FanfareError("event_type_exists", "The project has an event type of this name. Change that one.", {
				issues: [{ path: "name", message: "is the name of another event type" }],
			});
		});
	}

	put(projectId: string, name: string, settings: EventTypeSettings): Promise<EventType> {
		return this.#change(projectId, name, () => settings);
	}

	update(projectId: string, name: string, patch: Partial<EventTypeSettings>): Promise<EventType> {
		return this.#change(projectId, name, (known) => {
			if (known === null) throw notFound();
			return { ...known, ...patch };
		});
	}

	async delete(projectId: string, name: string): Promise<void> {
		this.#projects.get(projectId);
		await this.#changes.run(projectId, async () => {
			const deleted = await this.#parts.store.deleteEventType(projectId, name);
			this.#cache.forget(projectId, name);
			if (!deleted) throw notFound();
		});
	}

	/**
	 * Why an event of this type with this data is none that the catalogue has, with paths as in a send; nothing if it fits.
	 * Throws `overloaded` if too many checks wait, or if none can be made now.
	 */
	async check(projectId: string, { type, dataJson }: TestPayload): Promise<readonly Issue[]> {
		if (isReservedEventType(type)) return FITS;
		const known = await this.#cache.get(projectId, type);
		if (known === null) {
			return [{ path: "type", message: "is not in this project's catalogue of event types: add it there first" }];
		}
		if (known.archived) return [{ path: "type", message: "is archived in this project's catalogue of event types" }];
		return known.schemaJson === null ? FITS : this.#validate(known.schemaJson, dataJson, "data");
	}

	/** The example of a type, archived or not, for a test. Throws `invalid_request` if there is none. */
	async sample(projectId: string, name: string): Promise<TestPayload> {
		const known = await this.#parts.store.eventType(projectId, name);
		if (known === null) {
			throw invalidRequest([{ path: "eventType", message: "is not in this project's catalogue of event types" }]);
		}
		if (known.exampleJson === null) {
			throw invalidRequest([
				{ path: "eventType", message: "has no example to send: give it one, or test without a type" },
			]);
		}
		return { type: name, dataJson: known.exampleJson };
	}

	/** Reads, changes, checks and writes one event type, after earlier changes in its project are done. */
	async #change(
		projectId: string,
		name: string,
		change: (known: EventType | null) => EventTypeSettings,
	): Promise<EventType> {
		this.#projects.get(projectId);
		if (isReservedEventType(name)) {
			throw invalidRequest([{ path: "name", message: "must not begin with fanfare., as Fanfare's own types do" }]);
		}
		return this.#changes.run(projectId, async () => {
			const known = await this.#parts.store.eventType(projectId, name);
			const { description, schemaJson, exampleJson, archived } = change(known);
			// What was checked before is not checked again: also a type whose schema has proved too slow can be archived.
			const isNew = schemaJson !== known?.schemaJson || exampleJson !== known.exampleJson;
			if (isNew) await this.#checkSettings(schemaJson, exampleJson);
			// It may have been deleted while the schema was being checked.
			this.#projects.get(projectId);
			const now = this.#parts.clock.now();
			const dates = { createDate: known?.createDate ?? now, updateDate: Math.max(now, known?.updateDate ?? 0) };
			const eventType = { projectId, name, description, schemaJson, exampleJson, archived, ...dates };
			const result = await this.#parts.store.putEventType(eventType, MAX_EVENT_TYPES);
			this.#cache.forget(projectId, name);
			if (result === "full") throw full();
			return eventType;
		});
	}

	async #checkSettings(schemaJson: string | null, exampleJson: string | null): Promise<void> {
		if (schemaJson === null) return;
		const schemaIssues = await this.#inspect(schemaJson);
		if (schemaIssues.length > 0) throw invalidRequest(schemaIssues);
		if (exampleJson === null) return;
		const exampleIssues = await this.#validate(schemaJson, exampleJson, "example");
		if (exampleIssues.length > 0) throw invalidRequest(exampleIssues);
	}

	#inspect(schemaJson: string): Promise<readonly Issue[]> {
		return this.#within(schemaJson.length, "schema", () => this.#parts.schemas.inspect(schemaJson));
	}

	#validate(schemaJson: string, dataJson: string, place: string): Promise<readonly Issue[]> {
		return this.#within(dataJson.length, place, () => this.#parts.schemas.check(schemaJson, dataJson));
	}

	/** Makes one check, if there is room for it, and puts its issues where the client has written it. */
	async #within(length: number, place: string, check: () => Promise<readonly Issue[]>): Promise<readonly Issue[]> {
		const { maxWaitingSends, maxWaitingBytes } = this.#limits;
		if (this.#waitingChecks >= maxWaitingSends || this.#waitingLength + length > maxWaitingBytes) {
			this.#parts.observer.eventRefused("overloaded");
			throw new FanfareError("overloaded", "Too much waits to be checked by its schema. Send again a little later.");
		}
		this.#waitingChecks++;
		this.#waitingLength += length;
		try {
			const issues = await check();
			return issues.map(({ path, message }) => ({ path: path === "" ? place : `${place}.${path}`, message }));
		} catch (error) {
			throw this.#unchecked(error as SchemaCheckError);
		} finally {
			this.#waitingChecks--;
			this.#waitingLength -= length;
		}
	}

	#unchecked(cause: SchemaCheckError): FanfareError {
		this.#parts.observer.problem("data could not be checked by its schema", cause);
		return new FanfareError("overloaded", "The data can't be checked by its schema now. Send again a little later.", {
			cause,
		});
	}
}

function notFound(): FanfareError {
	return new FanfareError("event_type_not_found", "There is no such event type in this project's catalogue.");
}

function full(): FanfareError {
	return new FanfareError(
		"too_many_event_types",
		`A project has at most ${MAX_EVENT_TYPES} event types. Delete some that are not needed any more.`,
	);
}

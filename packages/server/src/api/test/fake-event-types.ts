// Fake event types, in memory. Schemas are not checked.
import { FanfareError } from "../../core/errors.ts";
import type { EventType } from "../../core/event-type.ts";
import type { EventTypes, EventTypeSettings } from "../../engine/calls.ts";

export function fakeEventTypes(now: number, check: (projectId: string) => unknown): EventTypes {
	const kept = new Map<string, EventType>();
	const find = (projectId: string, name: string): EventType => {
		check(projectId);
		const found = kept.get(`${projectId} ${name}`);
		if (found === undefined) throw new FanfareError("event_type_not_found", "There is no such event type.");
		return found;
	};
	const save = (projectId: string, name: string, settings: EventTypeSettings): EventType => {
		check(projectId);
		const { description, schemaJson, exampleJson, archived } = settings;
		const eventType = {
			projectId,
			name,
			description,
			schemaJson,
			exampleJson,
			archived,
			createDate: now,
			updateDate: now,
		};
		kept.set(`${projectId} ${name}`, eventType);
		return eventType;
	};
	return {
		async list(projectId, archived) {
			const all = [...kept.values()].filter((one) => one.projectId === projectId);
			const rows = all.filter((one) => archived === null || one.archived === archived);
			return { rows, hasNewer: false, hasOlder: false };
		},
		get: async (projectId, name) => find(projectId, name),
		create: async (projectId, name, settings) => save(projectId, name, settings),
		put: async (projectId, name, settings) => save(projectId, name, settings),
		update: async (projectId, name, patch) => save(projectId, name, { ...find(projectId, name), ...patch }),
		async delete(projectId, name) {
			find(projectId, name);
			kept.delete(`${projectId} ${name}`);
		},
	};
}

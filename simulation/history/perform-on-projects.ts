// Steps that create, change and delete projects and their event types.
import type { Project } from "../../packages/server/src/core/workspace.ts";
import { RETENTION_DAYS, type ProjectModel } from "../model/book.ts";
import { TEST } from "../model/management/test-watch.ts";
import { at } from "./choose.ts";
import type { Player } from "./player.ts";
import type { Action } from "./steps.ts";

type ProjectAction = Extract<
	Action,
	{ do: "create project" | "delete project" | "update project" | "event type" | "delete event type" }
>;

const MAX_PROJECTS = 4;
/** Some accept the data of the simulation's events, one does not. */
const SCHEMAS: readonly (string | null)[] = [
	null,
	JSON.stringify({ type: "object", properties: { n: { type: "integer" } }, required: ["n"] }),
	JSON.stringify({ type: "object", properties: { n: { type: "integer" } }, required: ["n", "amount"] }),
];

export function performOnProjects(player: Player, action: ProjectAction): void {
	const projects = player.book.liveProjects();
	if (action.do === "create project") {
		if (projects.length < MAX_PROJECTS) create(player);
		return;
	}
	const project = at(projects, action.project);
	if (project === undefined) return;
	switch (action.do) {
		case "delete project":
			// One project always stays.
			if (projects.length > 1) remove(player, project);
			return;
		case "update project": {
			const { days: retentionDays, payloadDays: payloadRetentionDays, catalogued } = action;
			project.days.add(retentionDays ?? RETENTION_DAYS);
			const eventTypes = catalogued ? "catalogued" : "open";
			player.manage({ action: "project.update", project, objectId: project.id }, (engine, change) =>
				engine.projects.update(change, { retentionDays, payloadRetentionDays, eventTypes }),
			);
			return;
		}
		case "event type": {
			const schemaJson = at(SCHEMAS, action.schema) ?? null;
			const exampleJson = action.schema % 2 === 0 ? JSON.stringify({ n: TEST }) : null;
			const settings = { description: null, schemaJson, exampleJson, archived: action.schema === 9 };
			player.manage({ action: "event_type.put", project, objectId: action.type }, (engine, change) =>
				engine.eventTypes.put(change, action.type, settings),
			);
			return;
		}
		case "delete event type":
			player.manage({ action: "event_type.delete", project, objectId: action.type }, (engine, change) =>
				engine.eventTypes.delete(change, action.type),
			);
	}
}

function create(player: Player): void {
	const managed = { action: "project.create", project: null, objectId: null, idOf: ({ id }: Project) => id };
	player.manage(managed, (engine, { audit }) => engine.projects.create("another", audit));
}

function remove(player: Player, project: ProjectModel): void {
	const { number: run } = player.run;
	project.deleteIssued = true;
	const managed = { action: "project.delete", project, objectId: project.id };
	player.manage(managed, (engine, change) => engine.projects.delete(change), {
		answered: () => {
			project.deleted = true;
			for (const webhook of player.book.webhooks) if (webhook.project === project) webhook.stoppedIn = run;
		},
		refused: () => (project.deleteIssued = false),
	});
}

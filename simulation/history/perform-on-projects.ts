// Steps that create, change and delete projects and their event types.
import { projectScope } from "../../packages/server/src/core/access/principal.ts";
import { RETENTION_DAYS, type ProjectModel } from "../model/book.ts";
import { at } from "./choose.ts";
import { changeIn, type Player } from "./player.ts";
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
		if (projects.length < MAX_PROJECTS) player.call((engine) => engine.projects.create("another", null));
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
			player.call((engine) =>
				engine.projects.update(changeIn(project), { retentionDays, payloadRetentionDays, eventTypes }),
			);
			return;
		}
		case "event type": {
			const schemaJson = at(SCHEMAS, action.schema) ?? null;
			const settings = { description: null, schemaJson, exampleJson: null, archived: action.schema === 9 };
			player.call((engine) => engine.eventTypes.put(changeIn(project), action.type, settings));
			return;
		}
		case "delete event type":
			player.call((engine) => engine.eventTypes.delete(changeIn(project), action.type));
	}
}

function remove(player: Player, project: ProjectModel): void {
	const { number: run } = player.run;
	project.deleteIssued = true;
	player.call((engine) => engine.projects.delete({ scope: projectScope(project.id), audit: null }), {
		answered: () => {
			for (const webhook of player.book.webhooks) if (webhook.project === project) webhook.stoppedIn = run;
		},
		refused: () => (project.deleteIssued = false),
	});
}

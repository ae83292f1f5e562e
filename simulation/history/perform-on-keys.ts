// Steps that create and delete API keys.
import type { KeyModel } from "../model/management/key-checks.ts";
import { at } from "./choose.ts";
import type { Player } from "./player.ts";
import type { Action } from "./steps.ts";

type KeyAction = Extract<Action, { do: "create key" | "delete key" }>;

export function performOnKeys(player: Player, action: KeyAction): void {
	if (action.do === "create key") return create(player, action);
	const key = at(player.keys.live, action.key);
	if (key !== undefined) remove(player, key);
}

function create(player: Player, action: Extract<KeyAction, { do: "create key" }>): void {
	const { book, keys } = player;
	const project = action.project === null ? null : at(book.liveProjects(), action.project);
	if (project === undefined) return;
	const { scope } = action;
	const input = { name: "a key", scope, projectId: project?.id ?? null };
	const call = {
		action: "key.create",
		project,
		objectId: null,
		idOf: ({ key }: { readonly key: { readonly id: string } }) => key.id,
	};
	player.manage(call, (engine, { audit }) => engine.keys.create(input, audit), {
		answered: ({ key: { id }, secretKey }) => checkNow(player, keys.add({ id, secretKey, scope, project })),
	});
}

function remove(player: Player, key: KeyModel): void {
	key.deleteIssued = true;
	const call = { action: "key.delete", project: key.project, objectId: key.id };
	player.manage(call, (engine, { audit }) => engine.keys.delete(key.id, audit), {
		answered: () => {
			key.deleted = true;
			checkNow(player, key);
		},
		refused: () => (key.deleteIssued = false),
	});
}

/** At the moment of the answer, the key counts, or counts no more, whichever engine is asked. */
function checkNow({ engines, keys }: Player, key: KeyModel): void {
	for (const engine of engines) keys.checkOne(engine, key);
}

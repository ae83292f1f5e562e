// Steps that create and change webhooks, and their receivers.
import type { WebhookPatch, WebhookSettings } from "../../packages/server/src/engine/calls.ts";
import { hostOf, type WebhookModel } from "../model/book.ts";
import { at, bytesFrom } from "./choose.ts";
import { changeIn, type Player } from "./player.ts";
import type { Action, Field, WebhookChoice } from "./steps.ts";

type WebhookAction = Extract<
	Action,
	{ do: "create webhook" | "update webhook" | "pause" | "resume" | "delete webhook" | "change secret" | "receiver" }
>;
type Known = WebhookModel & { readonly id: string };

export function performOnWebhooks(player: Player, action: WebhookAction): void {
	if (action.do === "create webhook") return create(player, action.project, action.choice);
	const webhook = at(player.book.liveWebhooks(), action.webhook);
	if (webhook === undefined) return;
	switch (action.do) {
		case "update webhook":
			return update(player, webhook, action.field, action.choice);
		case "pause":
			return pause(player, webhook);
		case "resume":
			return resume(player, webhook);
		case "delete webhook":
			return remove(player, webhook);
		case "change secret":
			return changeSecret(player, webhook, action.overlapMs);
		case "receiver":
			player.world.receivers.set(hostOf(webhook), action.mode);
	}
}

function create(player: Player, projectIndex: number, choice: WebhookChoice): void {
	const { book, world } = player;
	const project = at(book.liveProjects(), projectIndex);
	if (project === undefined) return;
	const secret = bytesFrom(`secret of webhook ${book.webhooks.length}`);
	const webhook = book.addWebhook(project, secret);
	webhook.maxRetries.add(choice.retries.maxRetries);
	webhook.rates.push({ at: world.clock.monotonicMs(), perSecond: choice.perSecond });
	const { filter, perSecond, retries, timeoutMs, disableAfterMs } = choice;
	const settings: WebhookSettings = {
		name: hostOf(webhook),
		endpoint: `https://${hostOf(webhook)}/`,
		retries,
		description: null,
		eventTypes: filter,
		timeoutMs,
		rateLimit: perSecond === null ? null : { perSecond },
		disableAfterMs,
		metadata: {},
		headers: webhook.number % 2 === 0 ? {} : { "x-token": "a value that nobody may see" },
	};
	player.call((engine) => engine.webhooks.create(changeIn(project), settings, secret));
}

function update(player: Player, webhook: Known, field: Field, choice: WebhookChoice): void {
	if (field === "retries") webhook.maxRetries.add(choice.retries.maxRetries);
	if (field === "perSecond") {
		webhook.rates.push({ at: player.world.clock.monotonicMs(), perSecond: choice.perSecond });
	}
	player.call((engine) =>
		engine.webhooks.update(changeIn(webhook.project), webhook.id, patchOf(webhook, field, choice)),
	);
}

function patchOf(webhook: Known, field: Field, choice: WebhookChoice): WebhookPatch {
	switch (field) {
		case "filter":
			return { eventTypes: choice.filter };
		case "retries":
			return { retries: { scheduleMs: null, ...choice.retries } };
		case "perSecond":
			return { rateLimit: choice.perSecond === null ? null : { perSecond: choice.perSecond } };
		case "timeoutMs":
			return { timeoutMs: choice.timeoutMs };
		case "disableAfterMs":
			return { disableAfterMs: choice.disableAfterMs };
		case "endpoint":
			return { endpoint: `https://${hostOf(webhook)}/${choice.timeoutMs}` };
	}
}

function pause(player: Player, webhook: Known): void {
	const { number: run } = player.run;
	const call = player.call((engine) => engine.webhooks.pause(changeIn(webhook.project), webhook.id), {
		answered: ({ status }) => {
			if (status !== "Enabled" && webhook.resumedBy < call) webhook.stoppedIn = run;
		},
	});
}

/** Resumes a webhook, whatever its status. */
export function resume(player: Player, webhook: Known, refused: () => void = () => {}): void {
	webhook.stoppedIn = null;
	const { project, id } = webhook;
	webhook.resumedBy = player.call((engine) => engine.webhooks.resume(changeIn(project), id), { refused });
}

function remove(player: Player, webhook: Known): void {
	webhook.deleteIssued = true;
	const { number: run } = player.run;
	player.call((engine) => engine.webhooks.delete(changeIn(webhook.project), webhook.id), {
		answered: () => (webhook.stoppedIn = run),
		refused: () => (webhook.deleteIssued = false),
	});
}

function changeSecret(player: Player, webhook: Known, overlapMs: number): void {
	const secret = bytesFrom(`secret ${webhook.secrets.length} of webhook ${webhook.number}`);
	webhook.secrets.push(secret);
	webhook.newestSecret = null;
	const isNewest = () => webhook.secrets.at(-1) === secret;
	player.call((engine) => engine.webhooks.updateSecret(changeIn(webhook.project), webhook.id, secret, overlapMs), {
		answered: () => {
			if (isNewest()) webhook.newestSecret = secret;
		},
	});
}

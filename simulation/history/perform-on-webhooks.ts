// Steps that create and change webhooks, and their receivers.
import type { Webhook } from "../../packages/server/src/core/webhook.ts";
import type { WebhookPatch, NewWebhook } from "../../packages/server/src/engine/webhook-settings.ts";
import { hostOf, type WebhookModel } from "../model/book.ts";
import type { TestWatch } from "../model/management/test-watch.ts";
import { at, bytesFrom } from "./choose.ts";
import { customerIdOf } from "./perform-on-customers.ts";
import type { Player } from "./player.ts";
import type { Action, Field, WebhookChoice } from "./steps.ts";

type WebhookAction = Extract<
	Action,
	{
		do:
			| "create webhook"
			| "update webhook"
			| "pause"
			| "resume"
			| "delete webhook"
			| "change secret"
			| "test"
			| "receiver";
	}
>;
type Known = WebhookModel & { readonly id: string };

export function performOnWebhooks(player: Player, action: WebhookAction): void {
	if (action.do === "create webhook") return create(player, action);
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
		case "test":
			return test(player, webhook, action.type);
		case "receiver":
			player.world.receivers.set(hostOf(webhook), action.mode);
	}
}

function create(player: Player, action: Extract<WebhookAction, { do: "create webhook" }>): void {
	const { book, world } = player;
	const { choice } = action;
	const project = at(book.liveProjects(), action.project);
	if (project === undefined) return;
	const secret = bytesFrom(`secret of webhook ${book.webhooks.length}`);
	const customerId = action.customer === null ? null : customerIdOf(action.customer);
	const webhook = book.addWebhook(project, customerId, secret);
	webhook.maxRetries.add(choice.retries.maxRetries);
	webhook.rates.push({ at: world.clock.monotonicMs(), perSecond: choice.perSecond });
	const { filter, perSecond, retries, timeoutMs, disableAfterMs } = choice;
	const settings: NewWebhook = {
		customerId,
		key: null,
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
	const managed = { action: "webhook.create", project, objectId: null, idOf: ({ id }: Webhook) => id };
	player.manage(managed, (engine, change) => engine.webhooks.create(change, settings, secret));
}

function update(player: Player, webhook: Known, field: Field, choice: WebhookChoice): void {
	if (field === "retries") webhook.maxRetries.add(choice.retries.maxRetries);
	if (field === "perSecond") {
		webhook.rates.push({ at: player.world.clock.monotonicMs(), perSecond: choice.perSecond });
	}
	player.manage(managed("webhook.update", webhook), (engine, change) =>
		engine.webhooks.update(change, webhook.id, patchOf(webhook, field, choice)),
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
	const mayBeResumed = webhook.resuming > 0;
	const pausing = { ...managed("webhook.pause", webhook), hasChanged: MAYBE };
	const call = player.manage(pausing, (engine, change) => engine.webhooks.pause(change, webhook.id), {
		answered: ({ status }) => {
			if (status !== "Enabled" && !mayBeResumed && webhook.resumedBy < call) webhook.stoppedIn = run;
		},
	});
}

/** Resumes a webhook, whatever its status. */
export function resume(player: Player, webhook: Known, refused: () => void = () => {}): void {
	webhook.stoppedIn = null;
	if (player.run.engine !== null) webhook.resuming++;
	const ended = () => void webhook.resuming--;
	const resuming = { ...managed("webhook.resume", webhook), hasChanged: MAYBE };
	webhook.resumedBy = player.manage(resuming, (engine, change) => engine.webhooks.resume(change, webhook.id), {
		answered: ended,
		refused: () => {
			ended();
			refused();
		},
		lost: ended,
	});
}

function remove(player: Player, webhook: Known): void {
	webhook.deleteIssued = true;
	const { number: run } = player.run;
	player.manage(managed("webhook.delete", webhook), (engine, change) => engine.webhooks.delete(change, webhook.id), {
		answered: () => (webhook.stoppedIn = run),
		refused: () => (webhook.deleteIssued = false),
	});
}

function changeSecret(player: Player, webhook: Known, overlapMs: number): void {
	const { id, number, secrets } = webhook;
	const bytes = bytesFrom(`secret ${secrets.given} of webhook ${number}`);
	const change = secrets.ask({ bytes, overlapMs, askedAt: player.run.now(), run: player.run.number });
	player.manage(
		managed("webhook.update_secret", webhook),
		(engine, making) => engine.webhooks.updateSecret(making, id, bytes, overlapMs),
		{ answered: () => secrets.acknowledged(change), refused: () => secrets.refused(change) },
	);
}

function test(player: Player, webhook: Known, type: string | null): void {
	const { run, tests } = player;
	let call: ReturnType<TestWatch["ask"]> | null = null;
	const over = () => {
		if (call !== null) tests.over(call);
	};
	player.manage(
		// Its entry is written first, and what follows can be refused.
		{ ...managed("webhook.test", webhook), readsAfterwards: true },
		(engine, change) => {
			if (change.audit !== null) call = tests.ask(run, webhook, type, change.audit);
			return engine.webhooks.test(change, webhook.id, type === null ? null : { eventType: type, dataJson: null });
		},
		{
			answered: (result) => {
				if (call !== null) tests.answered(call, result);
			},
			refused: over,
			lost: over,
		},
	);
}

/** A pause of a paused webhook, and a resume of an enabled one, change nothing. */
const MAYBE = () => false;

function managed(action: string, { id, project }: Known) {
	return { action, project, objectId: id };
}

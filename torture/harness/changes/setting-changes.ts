// The changes of a webhook that a kill can interrupt, and what each of them means for the next delivery.
import type { AuditAction, DeliveryStatus, Webhook } from "@fanfare/sdk";
import type { WebhookRecord } from "@fanfare/testkit/checks/record";

const DAY_MS = 86_400_000;

/** A webhook that is changed just before a kill. */
export interface Probe {
	/** Also its path, and the prefix of the types of its events. */
	readonly name: string;
	readonly change: SettingChange;
	/** Null if it is not created yet. */
	readonly record: WebhookRecord | null;
	readonly oldSecret: string;
	readonly newSecret: string;
	/** The round's receiver. */
	readonly receiverUrl: string;
}

/** How the next events reach the probe's webhook. */
export interface Effect {
	/** The suffix of the event's type: the filter may have changed. */
	readonly suffix: "old" | "new";
	/** The status of its delivery; null if there must be none. */
	readonly status: DeliveryStatus | null;
	/** Whether it arrives at `newPath`, and not at the path that the webhook was created with. */
	readonly isAtNewPath?: boolean;
	/** Whether it has the header `x-probe`, with the new secret as its value. */
	readonly hasHeader?: boolean;
}

export interface SettingChange {
	readonly name: string;
	/** The action in the audit log. */
	readonly action: AuditAction;
	/** Method, path below the project's webhooks, and body. */
	readonly call: (probe: Probe) => readonly [method: string, path: string, body?: unknown];
	/** For each thing that the change sets, whether the webhook has it. Undefined: there is no such webhook. */
	readonly parts: (webhook: Webhook | undefined, probe: Probe) => readonly boolean[];
	readonly isCreated?: boolean;
	/** Whether some events are not for the webhook before or after the change. */
	readonly mayMiss?: boolean;
	/** Whether nothing more arrives at its old path once the change is made. */
	readonly silencesPath?: boolean;
	readonly isPausedBefore?: boolean;
	/** The secrets that sign when the change is made. Omitted: the old one. */
	readonly secrets?: (probe: Probe) => readonly string[];
	readonly effects: { readonly made: readonly Effect[]; readonly notMade: readonly Effect[] };
}

const ARRIVES: Effect = { suffix: "old", status: "Succeeded" };

export function newPath(probe: Pick<Probe, "name">): string {
	return `/${probe.name}/new`;
}

function idOf({ record }: Probe): string {
	return record?.id ?? "";
}

export const SETTING_CHANGES: readonly SettingChange[] = [
	{
		name: "endpoint",
		silencesPath: true,
		action: "webhook.update",
		call: (probe) => {
			const spec = { endpoint: probe.receiverUrl + newPath(probe), description: "new", metadata: { is: "new" } };
			return ["PATCH", `/${idOf(probe)}`, { name: "new", spec }];
		},
		parts: (webhook, probe) => [
			webhook?.endpoint === probe.receiverUrl + newPath(probe),
			webhook?.name === "new",
			webhook?.description === "new",
			webhook?.metadata["is"] === "new",
		],
		effects: { made: [{ ...ARRIVES, isAtNewPath: true }], notMade: [ARRIVES] },
	},
	{
		name: "secret",
		action: "webhook.update_secret",
		call: (probe) => ["PUT", `/${idOf(probe)}/secret`, { contents: probe.newSecret, overlapMs: 0 }],
		parts: (webhook, { newSecret }) => [webhook?.secretHint === newSecret.slice(-4)],
		secrets: ({ newSecret }) => [newSecret],
		effects: { made: [ARRIVES], notMade: [ARRIVES] },
	},
	{
		name: "overlap",
		action: "webhook.update_secret",
		call: (probe) => ["PUT", `/${idOf(probe)}/secret`, { contents: probe.newSecret, overlapMs: DAY_MS }],
		parts: (webhook, { newSecret }) => [
			webhook?.secretHint === newSecret.slice(-4),
			webhook !== undefined && webhook.secretOverlapUntil !== null,
		],
		secrets: ({ oldSecret, newSecret }) => [newSecret, oldSecret],
		effects: { made: [ARRIVES], notMade: [ARRIVES] },
	},
	{
		name: "pause",
		silencesPath: true,
		action: "webhook.pause",
		call: (probe) => ["POST", `/${idOf(probe)}:pause`],
		parts: (webhook) => [webhook?.status === "Paused"],
		effects: { made: [{ ...ARRIVES, status: "Held" }], notMade: [ARRIVES] },
	},
	{
		name: "resume",
		action: "webhook.resume",
		isPausedBefore: true,
		call: (probe) => ["POST", `/${idOf(probe)}:resume`],
		parts: (webhook) => [webhook?.status === "Enabled"],
		effects: { made: [ARRIVES], notMade: [{ ...ARRIVES, status: "Held" }] },
	},
	{
		name: "delete",
		mayMiss: true,
		silencesPath: true,
		action: "webhook.delete",
		call: (probe) => ["DELETE", `/${idOf(probe)}`],
		parts: (webhook) => [webhook === undefined],
		effects: { made: [{ ...ARRIVES, status: null }], notMade: [ARRIVES] },
	},
	{
		name: "filter",
		mayMiss: true,
		action: "webhook.update",
		call: (probe) => ["PATCH", `/${idOf(probe)}`, { spec: { eventTypes: [`${probe.name}.new`] } }],
		parts: (webhook, { name }) => [webhook?.eventTypes?.join() === `${name}.new`],
		effects: {
			made: [
				{ ...ARRIVES, status: null },
				{ ...ARRIVES, suffix: "new" },
			],
			notMade: [ARRIVES, { suffix: "new", status: null }],
		},
	},
	{
		name: "header",
		action: "webhook.update",
		call: (probe) => ["PATCH", `/${idOf(probe)}`, { spec: { headers: { "x-probe": probe.newSecret } } }],
		parts: (webhook) => [webhook !== undefined && "x-probe" in webhook.headers],
		effects: { made: [{ ...ARRIVES, hasHeader: true }], notMade: [ARRIVES] },
	},
	{
		name: "create",
		mayMiss: true,
		action: "webhook.create",
		isCreated: true,
		call: ({ name, receiverUrl, newSecret }) => {
			const spec = { endpoint: `${receiverUrl}/${name}`, secret: { contents: newSecret }, eventTypes: [`${name}.old`] };
			return ["POST", "", { name, spec }];
		},
		parts: (webhook) => [webhook !== undefined],
		secrets: ({ newSecret }) => [newSecret],
		effects: { made: [ARRIVES], notMade: [{ ...ARRIVES, status: null }] },
	},
];

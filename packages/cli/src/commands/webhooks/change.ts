// `fanfare webhooks create` and `update`: the settings of a webhook as options.
import type { CreatedWebhook, RetryPolicy, UpdateWebhook, WebhookSpec } from "@fanfare/sdk";
import type { Command, Option } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { leaf, option } from "../../frame/command.ts";
import { usageError } from "../../frame/failure.ts";
import { WEBHOOK, webhookIdOf } from "../../frame/named.ts";
import { collecting } from "../../frame/refusals/given-twice.ts";
import {
	asText,
	collectEntries,
	orNull,
	parseCount,
	parseList,
	parsePositive,
	readSecret,
} from "../../frame/values.ts";
import { parseDuration } from "../../text/times.ts";
import { checkSaving, saveSecret, sayOnce, secretOptions, type SecretOptions } from "./secret.ts";
import { showWebhook, webhookFields } from "./show.ts";

interface SettingOptions extends CommonOptions {
	readonly eventTypes?: string[] | null;
	readonly description?: string | null;
	readonly header?: Record<string, string>;
	readonly headersFile?: string;
	readonly metadata?: Record<string, string>;
	readonly timeout?: number;
	readonly rateLimit?: number | null;
	readonly disableAfter?: number;
	readonly maxRetries?: number;
	readonly maxRetryDelay?: number;
	readonly schedule?: number[] | null;
}

interface CreateOptions extends SettingOptions, SecretOptions {
	readonly name?: string;
	readonly key?: string;
	readonly customer?: string;
}

interface UpdateOptions extends SettingOptions {
	readonly name?: string;
	readonly endpoint?: string;
	readonly key?: string | null;
	readonly removeHeaders?: boolean;
	readonly removeMetadata?: boolean;
	readonly revision?: number;
}

/** Adds `create` to the group. */
export function addCreate(group: Command): void {
	leaf<CreateOptions>(
		group,
		{
			usage: "create [endpoint]",
			summary: "Create a webhook, and print its secret once.",
			description: "The secret is generated here, unless you pass your own. It verifies what the endpoint gets.",
			args: { endpoint: "An https URL with a public address. Asked for on a terminal." },
			changes: "ask",
			options: [
				option("--name <name>", "Its name, 1–128 characters. Default: the host of the endpoint."),
				option("--key <key>", "Your own id of it, by which you find it again."),
				option("--customer <id>", "The customer of yours whom it belongs to."),
				...settingOptions(),
				...secretOptions(),
			],
			examples: ["fanfare webhooks create https://example.com/hooks --event-types 'order.*' --name billing"],
		},
		create,
	);
}

/** Adds `update` to the group. */
export function addUpdate(group: Command): void {
	leaf<UpdateOptions>(
		group,
		{
			usage: "update [webhook]",
			summary: "Change the settings of a webhook. What is not named stays.",
			args: { webhook: WEBHOOK },
			changes: "ask",
			options: [
				option("--name <name>", "Its name, 1–128 characters."),
				option("--endpoint <url>", "Where its events go from now on."),
				option("--key <key>", "Your own id of it; `none` removes it.", orNull("none", asText)),
				...settingOptions(),
				option("--remove-headers", "Send no headers of its own any more."),
				option("--remove-metadata", "Keep no metadata any more."),
				option("--revision <number>", "Change it only if this is still its revision.", parsePositive),
			],
			examples: ["fanfare webhooks update billing --endpoint https://example.com/new --timeout 10s"],
		},
		update,
	);
}

function settingOptions(): Option[] {
	const list = (text: string) => parseList(text).map((value) => parseDuration(value));
	return [
		option(
			"--event-types <list>",
			"The types it gets, such as order.paid,user.*; `all` for all.",
			orNull("all", parseList),
		),
		option("--description <text>", "Your own note; `none` for none.", orNull("none", asText)),
		collecting("--header <name=value>", "A header to send. May be repeated; replaces all headers.", collectEntries),
		option(
			"--headers-file <file>",
			"The same as a JSON object in a file, which others cannot see; - for standard input.",
		),
		collecting("--metadata <name=value>", "Your own metadata. May be repeated; replaces all.", collectEntries),
		option("--timeout <duration>", "The time limit of an attempt, 1s to 30s.", parseDuration),
		option("--rate-limit <count>", "The most attempts a second; `none` for no limit.", orNull("none", parsePositive)),
		option("--disable-after <duration>", "Disable it after failing so long, such as 5d; 0s for never.", parseDuration),
		option("--max-retries <count>", "The most retries of a delivery, 0–20.", parseCount),
		option("--max-retry-delay <duration>", "The longest delay between two attempts.", parseDuration),
		option(
			"--schedule <list>",
			"The delays themselves, such as 5s,1m,1h; `none` for exponential ones.",
			orNull("none", list),
		),
	];
}

async function create(call: Call<CreateOptions>, given: string | undefined): Promise<void> {
	const { name, key, customer: customerId, secretFile } = call.options;
	checkSaving(call);
	const endpoint = await call.need("endpoint", given, "The URL that its events go to", checkEndpoint);
	const project = await call.project();
	const secret = secretFile === undefined ? undefined : await readSecret("The secret", secretFile);
	const spec: WebhookSpec = { endpoint, secret, ...(await specOf(call.options)) };
	const webhook = await project.batch.webhooks.create({ name: name ?? hostOf(endpoint), key, customerId, spec });
	saveSecret(call, webhook.secret);
	await showCreated(call, webhook);
}

async function showCreated(call: Call<CreateOptions>, webhook: CreatedWebhook): Promise<void> {
	const { secret } = webhook;
	// The SDK hides the secret from logs; this is the only place where it is meant to be seen.
	const shown = call.options.saveSecret === undefined && call.options.secretFile === undefined ? { secret } : {};
	await call.output.object({ ...webhook, ...shown }, webhook.id, () => [
		...webhookFields(webhook),
		["Secret", shown.secret ?? null],
	]);
	if (shown.secret !== undefined) sayOnce(call);
	call.output.note(`Next: fanfare webhooks test ${webhook.id}`);
}

async function update(call: Call<UpdateOptions>, given: string | undefined): Promise<void> {
	const { name, endpoint, key, revision, removeHeaders, removeMetadata } = call.options;
	const spec = {
		...(endpoint !== undefined && { endpoint }),
		...(await specOf(call.options)),
		...(removeHeaders === true && { headers: null }),
		...(removeMetadata === true && { metadata: null }),
	};
	if (name === undefined && key === undefined && Object.keys(spec).length === 0) {
		throw usageError("Nothing to change: pass an option such as --endpoint.", "fanfare webhooks update --help");
	}
	const project = await call.project();
	const changes: UpdateWebhook = { name, key, revision, spec };
	await showWebhook(call, await project.batch.webhooks.update(await webhookIdOf(call, project, given), changes));
}

/** The settings that are given, and no others. */
async function specOf(options: SettingOptions): Promise<Partial<Omit<WebhookSpec, "secret">>> {
	const { eventTypes, description, metadata, timeout, rateLimit, disableAfter } = options;
	const headers = await headersOf(options);
	const retries = retriesOf(options);
	return {
		...(eventTypes !== undefined && { eventTypes }),
		...(description !== undefined && { description }),
		...(headers !== undefined && { headers }),
		...(metadata !== undefined && { metadata }),
		...(timeout !== undefined && { timeoutMs: timeout }),
		...(rateLimit !== undefined && { rateLimit: rateLimit === null ? null : { perSecond: rateLimit } }),
		...(disableAfter !== undefined && { disableAfterMs: disableAfter }),
		...(retries !== null && { retries }),
	};
}

function retriesOf({ maxRetries, maxRetryDelay, schedule }: SettingOptions): Partial<RetryPolicy> | null {
	if (maxRetries === undefined && maxRetryDelay === undefined && schedule === undefined) return null;
	return {
		...(maxRetries !== undefined && { maxRetries }),
		...(maxRetryDelay !== undefined && { maxRetryDelay }),
		...(schedule !== undefined && { scheduleMs: schedule }),
	};
}

async function headersOf({ header, headersFile }: SettingOptions): Promise<Record<string, string> | undefined> {
	if (headersFile === undefined) return header;
	if (header !== undefined) throw usageError("Pass --header or --headers-file, not both.");
	const text = await readSecret("--headers-file", headersFile);
	try {
		return JSON.parse(text) as Record<string, string>;
	} catch {
		// Its values may be secrets, so the error has none of the text.
		throw usageError('--headers-file must have a JSON object such as {"Authorization": "Bearer …"}.');
	}
}

function checkEndpoint(text: string): void {
	if (!URL.canParse(text)) throw new Error("It must be a URL such as https://example.com/hooks.");
}

function hostOf(endpoint: string): string {
	return URL.parse(endpoint)?.host.slice(0, 128) ?? endpoint.slice(0, 128);
}

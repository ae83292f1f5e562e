// `fanfare export`: writes the project as it is into a file of `fanfare apply`. Applying that file changes nothing.
import { writeFileSync } from "node:fs";

import type { EventType, Project, ProjectHandle, Webhook } from "@fanfare/sdk";
import type { Command } from "commander";
import { Document, type YAMLMap } from "yaml";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { leaf, option } from "../../frame/command.ts";
import { CommandError, EXIT } from "../../frame/failure.ts";
import { counted } from "../../text/numbers.ts";
import { printableJson } from "../../text/printable.ts";
import { typedDuration } from "../../text/times.ts";
import { exactEventTypes } from "../event-types/event-types.ts";
import { LIMITS } from "./compare.ts";
import { FILE_MARK, HEADERS_MARK } from "./desired.ts";
import { EXACT_NUMBERS } from "./numbers.ts";

interface Options extends CommonOptions {
	readonly output?: string;
	readonly id?: string;
}

/** Adds the command to the program. */
export function addExport(program: Command): void {
	leaf<Options>(
		program,
		{
			usage: "export",
			summary: "Write webhooks, event types and project settings into a file for apply.",
			description:
				"Webhooks without a key are left out, since the key is their identity in the file. Secrets and the values of headers are never returned, so the file leaves them as they are.",
			options: [
				option("-o, --output <file>", "Write a new file. Default: standard output."),
				option("--id <id>", "The id of the file, by which --prune knows what it has made. Default: fanfare."),
			],
			examples: ["fanfare export --output fanfare.yaml"],
		},
		write,
	);
}

async function write(call: Call<Options>): Promise<void> {
	const handle = await call.project();
	const project = await call.client.getProject(handle.id);
	const eventTypes = await exactEventTypes(call, handle);
	const { webhooks, left } = await webhooksOf(handle);
	const content = { id: call.options.id, project: projectOf(project), eventTypes, webhooks };
	if (call.output.mode === "json") {
		await call.output.data(printableJson(plain(content)));
	} else {
		const text = yamlOf(content);
		if (call.options.output === undefined) await call.output.data(text.trimEnd());
		else save(call.options.output, text);
	}
	if (left > 0)
		call.output.warn(
			`${counted(left, "webhook")} without a key, or of a relay, left out: fanfare webhooks update <webhook> --key <key>`,
		);
}

interface Content {
	readonly id: string | undefined;
	readonly project: Readonly<Record<string, unknown>>;
	readonly eventTypes: readonly EventType[];
	readonly webhooks: readonly (Webhook & { readonly key: string })[];
}

async function webhooksOf(handle: ProjectHandle) {
	const webhooks: (Webhook & { readonly key: string })[] = [];
	let left = 0;
	for await (const webhook of handle.batch.webhooks.list()) {
		const { key, endpoint } = webhook;
		if (key === undefined || !/^https?:/.test(endpoint)) left++;
		else webhooks.push({ ...webhook, key });
	}
	return { webhooks: webhooks.toSorted((a, b) => (a.key < b.key ? -1 : 1)), left };
}

function plain({ id, project, eventTypes, webhooks }: Content) {
	return {
		...(id !== undefined && { id }),
		project,
		eventTypes: Object.fromEntries(eventTypes.map((type) => [type.name, eventTypeOf(type)])),
		webhooks: Object.fromEntries(webhooks.map((webhook) => [webhook.key, webhookOf(webhook)])),
	};
}

function yamlOf(content: Content): string {
	const document = new Document(plain(content), { customTags: (tags) => [EXACT_NUMBERS, ...tags] });
	document.commentBefore = " For `fanfare apply`. A field that is not here stays as it is.";
	for (const { key, headers } of content.webhooks) {
		const names = Object.keys(headers);
		const node = document.getIn(["webhooks", key], true) as YAMLMap;
		if (names.length > 0)
			node.comment = ` headers: ${names.join(", ")}. Their values are never returned: they stay as they are.`;
	}
	return document.toString({ lineWidth: 0 });
}

function projectOf(project: Project): Record<string, unknown> {
	const limits = LIMITS.flatMap((name) =>
		project[name] === undefined || project[name] === null ? [] : [[name, project[name]]],
	);
	return { name: project.name, eventTypes: project.eventTypePolicy ?? "open", ...Object.fromEntries(limits) };
}

function eventTypeOf({ description, schema, example, archived, visibility }: EventType): Record<string, unknown> {
	return {
		...(description !== null && { description }),
		...(schema !== null && { schema }),
		...(example !== null && { example }),
		...(archived && { archived }),
		visibility,
	};
}

function webhookOf(webhook: Webhook): Record<string, unknown> {
	const {
		name,
		endpoint,
		customerId,
		eventTypes,
		description,
		metadata,
		timeoutMs,
		rateLimit,
		disableAfterMs,
		retries,
		status,
	} = webhook;
	const { [FILE_MARK]: _file, [HEADERS_MARK]: _headers, ...own } = metadata;
	const { maxRetries, maxRetryDelay, scheduleMs } = retries;
	return {
		name,
		endpoint,
		...(customerId !== undefined && { customer: customerId }),
		eventTypes,
		...(description !== null && { description }),
		...(Object.keys(own).length > 0 && { metadata: own }),
		timeout: typedDuration(timeoutMs),
		...(rateLimit !== null && { rateLimit: rateLimit.perSecond }),
		disableAfter: typedDuration(disableAfterMs),
		maxRetries,
		maxRetryDelay: typedDuration(maxRetryDelay),
		...(scheduleMs !== null && scheduleMs !== undefined && { schedule: scheduleMs.map(typedDuration) }),
		paused: status === "Paused",
	};
}

function save(file: string, text: string): void {
	try {
		writeFileSync(file, text, { flag: "wx" });
	} catch (error) {
		throw new CommandError(`The file could not be written: ${(error as Error).message}`, EXIT.failed);
	}
}

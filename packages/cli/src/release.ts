// `fanfare release`: resumes the webhooks that a restore with --hold has paused.
import type { ProjectHandle, WebhooksReleased } from "@fanfare/sdk";
import type { Command } from "commander";

import { reportAndExit } from "./report.ts";
import { counted } from "./text/numbers.ts";

const DEFAULT_URL = "http://127.0.0.1:8787";

interface Options {
	readonly url?: string;
	readonly project?: string;
	readonly webhook?: string;
}

/** Adds the command to the program. */
export function addRelease(program: Command): void {
	program
		.command("release")
		.summary("Resume the webhooks that a restore with --hold has paused.")
		.description(
			[
				"Resume the webhooks that a restore with --hold has paused, and no others: those of the whole workspace, of one",
				"project, or a single one. Their Held deliveries are sent, oldest first. Needs a running server and an admin key,",
				"which is read from FANFARE_KEY. The command may be repeated.",
			].join(" "),
		)
		.option("--url <url>", `The address of the server. Default: ${DEFAULT_URL}. [FANFARE_URL]`)
		.option("--project <id>", "Only the webhooks of this project.")
		.option("--webhook <id>", "Only this webhook. Needs --project.")
		.action(async (options: Options) => {
			try {
				await release(options);
			} catch (error) {
				reportAndExit(error);
			}
		});
}

async function release({ url, project: projectId, webhook: webhookId }: Options): Promise<void> {
	const key = process.env["FANFARE_KEY"];
	if (key === undefined || key === "") throw new Error("FANFARE_KEY is not set: set it to an admin key, such as sk_…");
	const { Client } = await import("@fanfare/sdk");
	const client = new Client(key, { endpoint: addressOf(url) });
	if (webhookId !== undefined) {
		if (projectId === undefined) throw new Error("--webhook needs --project: the project that the webhook belongs to");
		await releaseOne(client.project(projectId), webhookId);
		return;
	}
	const step = () =>
		projectId === undefined ? client.releaseWebhooks() : client.project(projectId).batch.webhooks.releaseAll();
	const count = await releaseMany(step);
	process.stderr.write(`${released(count)}.\n`);
}

/** The address of the server. The error names where it comes from, and does not repeat it: it may contain a password. */
function addressOf(option: string | undefined): string {
	const address = option ?? process.env["FANFARE_URL"] ?? DEFAULT_URL;
	if (["http:", "https:"].includes(URL.parse(address)?.protocol ?? "")) return address;
	const name = option === undefined ? "FANFARE_URL" : "--url";
	throw new Error(`${name} must be an absolute http or https URL such as ${DEFAULT_URL}`);
}

async function releaseOne(project: ProjectHandle, webhookId: string): Promise<void> {
	const { pausedReason } = await project.batch.webhooks.get(webhookId);
	const { status } = await project.batch.webhooks.release(webhookId);
	const said = pausedReason === "restored" ? "was released" : `was not paused by a restore, and stays ${status}`;
	process.stderr.write(`The webhook ${webhookId} ${said}.\n`);
}

/** A call releases some hundred. */
async function releaseMany(release: () => Promise<WebhooksReleased>): Promise<number> {
	let count = 0;
	for (;;) {
		const step = await release();
		count += step.released;
		if (step.complete) return count;
		process.stderr.write(`${released(count)} so far.\n`);
	}
}

function released(count: number): string {
	return `${counted(count, "webhook was", "webhooks were")} released`;
}

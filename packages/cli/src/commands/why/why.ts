// `fanfare why`: the whole story of one event in plain words: who wanted it, each attempt, the cause, the cure, and what happens next.
import type { ProjectHandle } from "@fanfare/sdk";
import type { Command } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { leaf, option } from "../../frame/command.ts";
import { webhookIdOf } from "../../frame/named.ts";
import { printable } from "../../text/printable.ts";
import { relativeTime } from "../../text/times.ts";
import { readStory } from "./story.ts";
import { tell } from "./tell.ts";

interface Options extends CommonOptions {
	readonly webhook?: string;
}

/** Adds the command to the program. */
export function addWhy(program: Command): void {
	leaf<Options>(
		program,
		{
			usage: "why [id]",
			summary: "Tell the whole story of an event or a delivery, with causes and cures.",
			description:
				"When the event was accepted, which webhooks got it and why others did not, each attempt, why it failed and what to do, what happens next, and the command to type. Times are local.",
			args: { id: "The event's id, such as evt_…, or the delivery's, such as dlv_…. Asked for on a terminal." },
			options: [option("--webhook <webhook>", "Only this webhook: its id, key or name.")],
			examples: ["fanfare why evt_…", "fanfare why evt_… --webhook billing", "fanfare why dlv_… --json"],
		},
		why,
	);
}

async function why(call: Call<Options>, given: string | undefined): Promise<void> {
	const project = await call.project();
	const id = given ?? (await call.pick("event", "id", newestEvents(project), "fanfare events list"));
	const { webhook } = call.options;
	const webhookId = webhook === undefined ? null : await webhookIdOf(call, project, webhook);
	const story = await readStory(project, id, webhookId);
	if (call.output.mode !== "people") return call.output.object(story, story.event.id, () => []);
	await call.output.data(tell(story).join("\n"));
	if (story.next !== null) call.output.note(`\nNext: ${story.next}`);
}

async function* newestEvents(project: ProjectHandle) {
	for (const { id, type, createDate, deliveryCount } of (await project.events.list({ limit: 50 })).data) {
		yield {
			value: id,
			label: `${printable(type)}, ${deliveryCount} deliveries`,
			hint: `${relativeTime(createDate)}, ${id}`,
		};
	}
}

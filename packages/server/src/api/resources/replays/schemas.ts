// Replays on the wire.
import { z } from "@hono/zod-openapi";

import { DEFAULT_REPLAY_OUTCOMES, REPLAY_OUTCOMES, REPLAY_STATUSES } from "../../../core/replay.ts";
import { addDuplicateIssues, idText, pageQuery, timeMs, timeOut } from "../common/schemas.ts";
import { eventTypeList } from "../event-types/schemas.ts";

const OUTCOMES_TEXT =
	"`Missed`: events that never had a delivery to this webhook. The others: by how the newest delivery of the event to this webhook " +
	"ended. An event with a delivery that is Pending or Held is never replayed: it is on its way.";

export const replayWebhookSchema = z
	.strictObject({
		since: timeMs.openapi({ description: "Events accepted at this time or later." }),
		until: timeMs.nullish().openapi({
			description: "Events accepted before this time. Left out, and at most: now.",
		}),
		status: z
			.array(z.enum(REPLAY_OUTCOMES))
			.min(1)
			.superRefine(addDuplicateIssues)
			.nullish()
			.openapi({
				description: `${OUTCOMES_TEXT} Left out: all that did not succeed, ${DEFAULT_REPLAY_OUTCOMES.join(", ")}.`,
				example: ["Failed"],
			}),
		eventTypes: eventTypeList.nullish().openapi({
			description:
				"Exact names or `prefix.*`. Left out: every type; but of the missed events only those of types that the webhook wants now.",
			example: ["user.created"],
		}),
		dryRun: z.boolean().nullish().openapi({ description: "True: nothing is sent, the answer is the count." }),
	})
	.superRefine(({ since, until }, context) => {
		if (until === null || until === undefined || until > since) return;
		context.addIssue({ code: "custom", path: ["until"], message: "must be later than since" });
	})
	.openapi("ReplayWebhook");

export type ReplayWebhook = z.infer<typeof replayWebhookSchema>;

export const replayEstimateSchema = z
	.object({
		object: z.literal("replayEstimate"),
		count: z.int().openapi({ description: "Events that would be sent now." }),
		complete: z
			.boolean()
			.openapi({ description: "False: there are so many events that counting was ended early; there may be more." }),
	})
	.openapi("ReplayEstimate");

export const replaySchema = z
	.object({
		id: z.string(),
		object: z.literal("replay"),
		projectId: z.string(),
		webhookId: z.string(),
		status: z.enum(REPLAY_STATUSES).openapi({
			description:
				"`Finished`: each matching event has its delivery, and those go their own way. Running: also while it waits.",
		}),
		since: timeOut,
		until: timeOut,
		outcomes: z
			.array(z.enum(REPLAY_OUTCOMES))
			.openapi({ description: `The \`status\` that was asked for. ${OUTCOMES_TEXT}` }),
		eventTypes: z.array(z.string()).nullable().openapi({ description: "Null: every type." }),
		missedEventTypes: z.array(z.string()).nullable().openapi({
			description: "Of missed events only these types, as the webhook wanted them then. Null: every type.",
		}),
		scannedCount: z.int().openapi({ description: "Events looked at so far." }),
		deliveryCount: z.int().openapi({ description: "Deliveries made so far: one for each event that matches." }),
		progress: z.number().openapi({
			description: "From 0 to 1: how much of the time between the oldest and the newest event in the range is done.",
		}),
		createDate: timeOut,
		updateDate: timeOut,
		endDate: timeOut.nullable().openapi({ description: "Null while it is Running." }),
	})
	.openapi("Replay", {
		example: {
			id: "replay_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77",
			object: "replay",
			projectId: "proj_ca5fe71e7592bbcf7705ea36e4f29ed4",
			webhookId: "webhook_f7d8aec2-7e2b-4d2c-a103-c8dd575c29c7",
			status: "Running",
			since: 1_723_633_671_620,
			until: 1_723_736_909_981,
			outcomes: ["Failed", "Cancelled", "Missed"],
			eventTypes: null,
			missedEventTypes: ["order.*"],
			scannedCount: 120_500,
			deliveryCount: 4_711,
			progress: 0.42,
			createDate: 1_723_736_909_980,
			updateDate: 1_723_736_912_345,
			endDate: null,
		},
	});

export const replayQuerySchema = z.strictObject({ ...pageQuery, webhookId: idText("webhook").optional() });

// Replays on the wire.
import { z } from "@hono/zod-openapi";

import { DEFAULT_REPLAY_OUTCOMES, REPLAY_OUTCOMES, REPLAY_STATUSES } from "../../../core/replay.ts";
import { list } from "../common/bounded.ts";
import { addDuplicateIssues, customerIdOut, idText, pageQuery, timeMs, timeOut } from "../common/schemas.ts";
import { eventTypeList } from "../event-types/schemas.ts";

const OUTCOMES_TEXT =
	"`Missed` means events that never had a delivery to this webhook. The other values are the status of the event's " +
	"newest delivery to this webhook. An event with a delivery that is Pending or Held is never replayed, since it is " +
	"still on its way.";

export const replayWebhookSchema = z
	.strictObject({
		since: timeMs.openapi({ description: "Only events accepted at this time or later." }),
		until: timeMs.nullish().openapi({
			description: "Only events accepted before this time. Defaults to now, which is also the latest possible time.",
		}),
		status: list(z.enum(REPLAY_OUTCOMES), { min: 1, max: REPLAY_OUTCOMES.length })
			.superRefine(addDuplicateIssues)
			.nullish()
			.openapi({
				description: `${OUTCOMES_TEXT} Defaults to all that did not succeed: ${DEFAULT_REPLAY_OUTCOMES.join(", ")}.`,
				example: ["Failed"],
			}),
		eventTypes: eventTypeList.nullish().openapi({
			description:
				"Exact names or `prefix.*`. Defaults to every type. If omitted, missed events are replayed only if the " +
				"webhook's filter matches their type now.",
			example: ["user.created"],
		}),
		dryRun: z
			.boolean()
			.nullish()
			.openapi({ description: "If true, nothing is sent; the response has the number of events. Defaults to false." }),
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
		count: z.int().openapi({ description: "The number of events that would be sent now." }),
		complete: z.boolean().openapi({
			description: "False if counting stopped early because there are too many events. Then there may be more.",
		}),
	})
	.openapi("ReplayEstimate", { example: { object: "replayEstimate", count: 4_711, complete: true } });

export const replaySchema = z
	.object({
		id: z.string(),
		object: z.literal("replay"),
		projectId: z.string(),
		webhookId: z.string(),
		customerId: customerIdOut,
		status: z.enum(REPLAY_STATUSES).openapi({
			description:
				"`Running`: also while the replay waits for its webhook. `Finished`: each matching event has a new " +
				"delivery, which may not have ended yet.",
		}),
		since: timeOut.openapi({
			description: "Only events accepted at this time or later. Milliseconds since the epoch.",
		}),
		until: timeOut.openapi({ description: "Only events accepted before this time. Milliseconds since the epoch." }),
		outcomes: z
			.array(z.enum(REPLAY_OUTCOMES))
			.openapi({ description: `The \`status\` of the request. ${OUTCOMES_TEXT}` }),
		eventTypes: z
			.array(z.string())
			.nullable()
			.openapi({ description: "The `eventTypes` of the request; null means every type." }),
		missedEventTypes: z
			.array(z.string())
			.nullable()
			.openapi({
				description:
					"The webhook's filter when the replay started: missed events are replayed only if it matches their type. " +
					"Null means no restriction beyond `eventTypes`.",
			}),
		scannedCount: z.int().openapi({ description: "The number of events looked at so far." }),
		deliveryCount: z
			.int()
			.openapi({ description: "The number of deliveries created so far, one for each matching event." }),
		progress: z.number().openapi({
			description:
				"From 0 to 1: the part that is done of the time between the oldest and the newest event in the range.",
		}),
		createDate: timeOut,
		updateDate: timeOut,
		endDate: timeOut.nullable().openapi({ description: "Null while the replay is Running." }),
	})
	.openapi("Replay", {
		example: {
			id: "replay_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77",
			object: "replay",
			projectId: "proj_ca5fe71e7592bbcf7705ea36e4f29ed4",
			webhookId: "webhook_f7d8aec2-7e2b-4d2c-a103-c8dd575c29c7",
			customerId: "acme",
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

export const replayQuerySchema = z.strictObject({
	...pageQuery,
	webhookId: idText("webhook").optional().openapi({ description: "Only replays to this webhook." }),
});

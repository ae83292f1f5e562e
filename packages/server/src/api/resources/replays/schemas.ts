// Replays on the wire.
import { z } from "@hono/zod-openapi";

import {
	DEFAULT_REPLAY_OUTCOMES,
	MAX_CHOSEN_EVENTS,
	MAX_RUNNING_REPLAYS,
	REPLAY_OUTCOMES,
	REPLAY_STATUSES,
	REPLAY_WAITS,
} from "../../../core/replay.ts";
import { list } from "../common/bounded.ts";
import { addDuplicateIssues, customerIdOut, idText, pageQuery, timeMs, timeOut } from "../common/schemas.ts";
import { eventTypeList } from "../event-types/schemas.ts";

const OUTCOMES_TEXT =
	"`Missed` means events that never had a delivery to this webhook. The other values are the status of the event's " +
	"newest delivery to this webhook. An event with a delivery that is Pending or Held is never replayed, since it is " +
	"still on its way.";

const fields = {
	since: timeMs.nullish().openapi({
		description: "Only events accepted at this time or later. Required, unless `eventIds` is there.",
	}),
	until: timeMs.nullish().openapi({
		description:
			"Only events accepted before this time. Defaults to now. Events that are accepted after the replay was started are not part of " +
			"it. Not with `eventIds`.",
	}),
	eventIds: list(idText("evt"), { min: 1, max: MAX_CHOSEN_EVENTS })
		.superRefine(addDuplicateIssues)
		.nullish()
		.openapi({
			description: `Only these events, at most ${MAX_CHOSEN_EVENTS}, in place of \`since\`. If one of them is not there, nothing is sent.`,
		}),
	status: list(z.enum(REPLAY_OUTCOMES), { min: 1, max: REPLAY_OUTCOMES.length })
		.superRefine(addDuplicateIssues)
		.nullish()
		.openapi({
			description:
				`${OUTCOMES_TEXT} Defaults to all that did not succeed: ${DEFAULT_REPLAY_OUTCOMES.join(", ")}; with \`eventIds\` to every ` +
				"value.",
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
};

/** The events of a replay: those of a range, or chosen ones. */
export type ReplayEvents = z.infer<z.ZodObject<typeof fields>>;

function addEventIssues({ since, until, eventIds }: ReplayEvents, context: z.RefinementCtx): void {
	const refuse = (field: string, message: string) => context.addIssue({ code: "custom", path: [field], message });
	if (isGiven(eventIds)) {
		if (isGiven(since)) refuse("since", "must not be there beside eventIds");
		if (isGiven(until)) refuse("until", "must not be there beside eventIds");
	} else if (!isGiven(since)) refuse("since", "is required, unless eventIds says which events to replay");
	else if (isGiven(until) && until <= since) refuse("until", "must be later than since");
}

function isGiven<T>(value: T): value is NonNullable<T> {
	return value !== null && value !== undefined;
}

export const replayWebhookSchema = z.strictObject(fields).superRefine(addEventIssues).openapi("ReplayWebhook");

export const createReplaysSchema = z
	.strictObject({
		webhookIds: list(idText("webhook"), { min: 1, max: MAX_RUNNING_REPLAYS })
			.superRefine(addDuplicateIssues)
			.openapi({
				description: `The webhooks that get the events again, at most ${MAX_RUNNING_REPLAYS}. There is one replay to each.`,
			}),
		...fields,
	})
	.superRefine(addEventIssues)
	.openapi("CreateReplays");

export const replayEstimateSchema = z
	.object({
		object: z.literal("replayEstimate"),
		count: z.int().openapi({ description: "The number of events that would be sent now." }),
		complete: z.boolean().openapi({
			description: "False if counting stopped early because there are too many events. Then there may be more.",
		}),
		until: timeOut.nullable().openapi({
			description:
				"The end of the range that was counted, in milliseconds since the epoch: the `until` of the request or, if it was omitted, now by " +
				"the server's clock, or just after the newest event that was counted if that is later. Send it as `until` so that the replay has " +
				"none of the events that are accepted after the count. " +
				"Null with `eventIds`.",
		}),
	})
	.openapi("ReplayEstimate", {
		example: { object: "replayEstimate", count: 4_711, complete: true, until: 1_723_633_671_620 },
	});

const REPLAY = {
	id: "replay_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77",
	object: "replay",
	projectId: "proj_ca5fe71e7592bbcf7705ea36e4f29ed4",
	webhookId: "webhook_f7d8aec2-7e2b-4d2c-a103-c8dd575c29c7",
	customerId: "acme",
	status: "Running",
	since: 1_723_633_671_620,
	until: 1_723_736_909_981,
	chosenCount: null,
	outcomes: ["Failed", "Cancelled", "Missed"],
	eventTypes: null,
	missedEventTypes: ["order.*"],
	scannedCount: 120_500,
	deliveryCount: 4_711,
	progress: 0.42,
	createDate: 1_723_736_909_980,
	updateDate: 1_723_736_912_345,
	endDate: null,
} as const;

export const replaySchema = z
	.object({
		id: z.string(),
		object: z.literal("replay"),
		projectId: z.string(),
		webhookId: z.string(),
		customerId: customerIdOut,
		status: z.enum(REPLAY_STATUSES).openapi({
			description:
				"`Running`: also while the replay waits for its webhook, or for what `waitingFor` says. `Finished`: each matching event has a new " +
				"delivery, which may not have ended yet.",
		}),
		waitingFor: z
			.enum(REPLAY_WAITS)
			.optional()
			.openapi({
				description:
					"Present only while the replay is Running and makes no deliveries because of something other than its webhook. " +
					"`storedBytes`: its project has used up its quota of stored bytes. It goes on by itself when there is room.",
			}),
		since: timeOut.openapi({
			description: "Only events accepted at this time or later. Milliseconds since the epoch.",
		}),
		until: timeOut.openapi({ description: "Only events accepted before this time. Milliseconds since the epoch." }),
		chosenCount: z.int().nullable().openapi({
			description:
				"The number of the request's `eventIds`, which lie between `since` and `until`; null if it was asked for a range.",
		}),
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
				"From 0 to 1: the part that is done of the time between the oldest and the newest event in the range, or of the chosen events.",
		}),
		createDate: timeOut,
		updateDate: timeOut,
		endDate: timeOut.nullable().openapi({ description: "Null while the replay is Running." }),
	})
	.openapi("Replay", { example: REPLAY });

export const replaysStartedSchema = z
	.object({
		object: z.literal("replaysStarted"),
		data: z.array(replaySchema).openapi({ description: "One replay for each webhook, in the order of `webhookIds`." }),
	})
	.openapi("ReplaysStarted", { example: { object: "replaysStarted", data: [REPLAY] } });

export const replayQuerySchema = z.strictObject({
	...pageQuery,
	webhookId: idText("webhook").optional().openapi({ description: "Only replays to this webhook." }),
});

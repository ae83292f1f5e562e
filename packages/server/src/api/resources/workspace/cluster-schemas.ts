// The database, and the processes that share it, as the status has them.
import { z } from "@hono/zod-openapi";

import { ROLES } from "../../../ports/membership.ts";
import { timeOut } from "../common/schemas.ts";

export const orNull = (description: string) => z.int().nullable().openapi({ description });
export const count = (description: string) => z.int().openapi({ description });
const textOrNull = (description: string) => z.string().nullable().openapi({ description });

const standbySchema = z.object({
	name: z.string().openapi({ description: "Its `application_name`." }),
	state: textOrNull("PostgreSQL's word, such as `streaming` or `catchup`."),
	sync: z.enum(["sync", "quorum", "potential", "async"]).nullable().openapi({
		description:
			"`sync` and `quorum`: commits wait for it. `potential`: they will if another one goes. `async`: they don't.",
	}),
	lagMs: orNull("How long it took it to apply what was written, as last measured; null also while nothing is written."),
	lagBytes: orNull("How much of what the primary has written it has not applied."),
});

export const databaseSchema = z.object({
	reachable: z.boolean().openapi({ description: "Whether it has answered. If not, all others are null." }),
	version: textOrNull("The version of its server, such as `17.2`."),
	address: textOrNull("The address of the server, as the server says it; null for a socket of the same machine."),
	port: orNull("Its port; null like `address`."),
	commitsWaitFor: z.enum(["standby", "disk"]).nullable().openapi({
		description:
			"What a commit waits for: a synchronous standby, or only the disk of this server. With `disk`, `warnings` has `standby_missing`.",
	}),
	standbys: z
		.array(standbySchema)
		.nullable()
		.openapi({
			description:
				"The servers that follow it, 20 at most; null if Fanfare's role may not see them. A role without `pg_read_all_stats` sees only names: all " +
				"else is null.",
		}),
	connections: z
		.object({
			used: count("Connections of everybody who counts towards the limit."),
			allowed: count(
				"`max_connections` without those that are kept for superusers; or the limit of the database or the role, if less is left of it.",
			),
		})
		.nullable()
		.openapi({ description: "Connections to it; null if Fanfare's role may not see them." }),
});

const sentOrReceived = (description: string) =>
	z
		.object({
			deliveries: count("Deliveries for their owner, in hints."),
			hints: count("Messages with deliveries."),
			looks: count("Signals that the database has something new."),
			answers: count("Signals that somebody has acted upon that."),
			beats: count("Messages that say that the sender is there."),
		})
		.openapi({ description });

export const messagesSchema = z.object({
	pollMs: count(
		"How often it looks into the database for deliveries that others have accepted. That is how it finds all of them without NATS.",
	),
	nats: z
		.object({
			up: z.boolean().openapi({ description: "Whether messages come through, its own included." }),
			server: textOrNull("The server that it is connected to; null while there is none."),
			sent: sentOrReceived("What it has sent since its start."),
			received: sentOrReceived("What it has got from others since its start."),
			late: count("Hints that came too late or twice, and were dropped."),
			refused: count("Messages of another installation or version, which were dropped."),
			unsent: count("Messages that it could not send, since there was no connection."),
			missed: count("How often messages to it were perhaps lost, so that it has looked into the database."),
		})
		.nullable()
		.openapi({ description: "What NATS has carried, when it was seen last; null for a process without NATS." }),
});

export const memberSchema = z.object({
	id: z.string().openapi({ description: "A process that loses touch with its database comes back under a new id." }),
	name: z.string().openapi({ description: "The name of its machine." }),
	address: z
		.string()
		.nullable()
		.openapi({ description: "Where its connection to the database comes from; null if that is a socket." }),
	port: orNull("The port that it listens on; null if it listens on none."),
	version: z.string().openapi({ description: "The version of the program." }),
	role: z.enum(ROLES).openapi({
		description: "`api` answers calls and delivers nothing, `worker` delivers and answers no calls, `all` does both.",
	}),
	state: z.enum(["live", "leaving", "lost"]).openapi({
		description:
			"`leaving`: it hands over its shards, and ends. `lost`: it has not been seen for three seconds, so others have its shards, or take them. " +
			"It is in the list for ten minutes.",
	}),
	self: z.boolean().openapi({ description: "Whether it is the process that responds." }),
	joinDate: timeOut.openapi({ description: "When it has joined, by the database's clock." }),
	seenDate: timeOut.openapi({ description: "When it was seen last, by the database's clock." }),
	seenAgoMs: count("How long ago that was."),
	shards: count("How many of the 256 groups of webhooks it delivers."),
	duties: z
		.array(z.string())
		.openapi({ description: "The work that it does for all, such as `retention`. Later versions may have more." }),
	readyDeliveries: count("Deliveries that are ready in its memory, when it was seen last."),
	inFlightAttempts: count("Attempts under way, when it was seen last."),
	lagMs: count(
		"For how long its oldest due delivery that nothing works on had waited, when it was seen last; 0 if there is none.",
	),
	messages: messagesSchema.nullable().openapi({
		description: "How it learns of what others have accepted and changed; null if it has not said so, or is lost.",
	}),
});

// The workspace and its status on the wire.
import { z } from "@hono/zod-openapi";

import { WARNING_CODES } from "../../../engine/status-calls.ts";
import { timeOut } from "../common/schemas.ts";
import { count, databaseSchema, memberSchema, orNull } from "./cluster-schemas.ts";

export const workspaceSchema = z
	.object({
		id: z.string(),
		object: z.literal("workspace"),
		name: z.string(),
		owner: z.string().openapi({ description: "Who operates it." }),
		tier: z.string().openapi({ description: "What Nexus calls the plan; of no meaning in Fanfare." }),
		createDate: timeOut,
	})
	.openapi("Workspace", {
		example: {
			id: "ws_1c8aab980f174b0296c7e35e88665b13",
			object: "workspace",
			name: "My workspace",
			owner: "admin",
			tier: "self-hosted",
			createDate: 1_701_927_649_302,
		},
	});

export const egressAddressesSchema = z
	.object({
		object: z.literal("egressAddresses"),
		addresses: z.array(z.string()).openapi({
			description:
				"Addresses and networks, such as `203.0.113.7` or `2001:db8:1::/64`; empty if the operator has set none.",
		}),
	})
	.openapi("EgressAddresses", {
		example: { object: "egressAddresses", addresses: ["203.0.113.7", "2001:db8:1::/64"] },
	});

const STATUS = {
	object: "workspaceStatus",
	version: "0.2.0",
	startDate: 1_723_633_671_620,
	date: 1_723_736_909_980,
	store: { storedBytes: 1_834_201, fileBytes: 4_403_200, volumeBytes: 107_374_182_400, freeBytes: 64_424_509_440 },
	backlog: { pending: 12, held: 3, readyDeliveries: 0, inFlightAttempts: 2, waitingSends: 0, oldestDueMs: 0 },
	commits: { count: 310, p50Ms: 1.2, p99Ms: 4.75 },
	limits: [
		{ name: "maxProjects", used: 4, allowed: 10_000 },
		{ name: "maxInFlight", used: 2, allowed: 1_024 },
	],
	database: {
		reachable: true,
		version: "17.2",
		address: "10.1.4.3",
		port: 5_432,
		commitsWaitFor: "standby" as const,
		standbys: [{ name: "standby", state: "streaming", sync: "sync" as const, lagMs: 3, lagBytes: 1_240 }],
		connections: { used: 31, allowed: 97 },
	},
	members: [
		{
			id: "5f0c9a9e-7a1d-4c55-8b0e-2d1c7c1f6f10",
			name: "fanfare-0",
			address: "10.1.4.17",
			port: 8_787,
			version: "0.2.0",
			role: "all",
			state: "live",
			self: true,
			joinDate: 1_723_633_671_620,
			seenDate: 1_723_736_909_713,
			seenAgoMs: 267,
			shards: 256,
			duties: ["retention", "stats"],
			readyDeliveries: 0,
			inFlightAttempts: 2,
			lagMs: 0,
			messages: {
				pollMs: 400,
				nats: {
					up: true,
					server: "nats-1.example:4222",
					sent: { deliveries: 8_210, hints: 1_190, looks: 44, answers: 12, beats: 206_476 },
					received: { deliveries: 7_931, hints: 1_102, looks: 39, answers: 10, beats: 205_811 },
					late: 0,
					refused: 0,
					unsent: 0,
					missed: 2,
				},
			},
		},
	],
	warnings: [
		{
			code: "http_allowed",
			message: "FANFARE_ALLOW_HTTP is set: webhooks can have endpoints without TLS. It is for development.",
			projectId: null,
		},
	],
};

export const workspaceStatusSchema = z
	.object({
		object: z.literal("workspaceStatus"),
		version: z.string().openapi({ description: "The version of the server." }),
		startDate: timeOut.openapi({ description: "When the server was started, in milliseconds since the epoch." }),
		date: timeOut.openapi({ description: "The server's time, in milliseconds since the epoch." }),
		store: z
			.object({
				storedBytes: orNull(
					"What all projects have stored, as `maxStoredBytes` counts it; null while the store can't be read.",
				),
				fileBytes: orNull("What the files of the store take; null if it has none, or while it can't be read."),
				volumeBytes: orNull("The size of the volume with these files; null like `fileBytes`."),
				freeBytes: orNull("How much of the volume is free; null like `fileBytes`."),
			})
			.openapi({ description: "The room on the disk." }),
		backlog: z
			.object({
				pending: orNull("Deliveries that are Pending, of all projects; null while the store can't be read."),
				held: orNull("Deliveries that are Held, of all projects; null while the store can't be read."),
				readyDeliveries: count("Deliveries that are ready in memory."),
				inFlightAttempts: count("Attempts under way."),
				waitingSends: count("Sends that wait for their commit."),
				oldestDueMs: count(
					"For how long the oldest due delivery that nothing works on has waited; 0 if there is none.",
				),
			})
			.openapi({ description: "What waits." }),
		commits: z
			.object({
				count: count("Commits in the last five minutes, 1,024 at most."),
				p50Ms: z
					.number()
					.nullable()
					.openapi({ description: "The median of their durations; null if there were none." }),
				p99Ms: z.number().nullable().openapi({ description: "The 99th percentile; null if there were none." }),
			})
			.openapi({ description: "How long it takes to write to the disk." }),
		limits: z
			.array(
				z.object({
					name: z.string().openapi({
						description:
							"The limit. Most are settings: see docs/configuration.md and docs/limits.md. `maxStreams` is about the live streams of programs; " +
							"`pageStreams`, `customerStreams` and `relayStreams` are about those of the page, of customers and of relays, which have places of their own.",
					}),
					used: count("How much of it is used."),
					allowed: count("The limit."),
				}),
			)
			.openapi({ description: "Limits of the whole server." }),
		database: databaseSchema
			.nullable()
			.openapi({ description: "The database; null if the data is in a data directory." }),
		members: z
			.array(memberSchema)
			.nullable()
			.openapi({
				description:
					"The processes that share the database, the oldest first. Empty if the data is in a data directory, since then there is one process; null " +
					"while the database can't be read.",
			}),
		warnings: z
			.array(
				z.object({
					code: z.enum(WARNING_CODES).openapi({ description: "Stays the same between versions." }),
					message: z.string().openapi({ description: "What was found, and what to do." }),
					projectId: z
						.string()
						.nullable()
						.openapi({ description: "The project that it is about; null for the whole server." }),
				}),
			)
			.openapi({ description: "What an operator should know; empty if all is well." }),
	})
	.openapi("WorkspaceStatus", { example: STATUS });

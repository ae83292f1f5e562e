// All commands of the program: their names, what the help says of them, and where their code is. Only the one that runs is loaded.
import type { Command } from "commander";

/** The headings of the help. */
export const GROUPS = {
	setUp: "Set up:",
	everyDay: "Every day:",
	resources: "Resources:",
	operate: "Operate a server:",
} as const;

/** A command, or a group of commands, that is not loaded yet. */
export interface Entry {
	readonly name: string;
	readonly summary: string;
	readonly group: (typeof GROUPS)[keyof typeof GROUPS];
	/** Loads its code, and adds it to the program under its name. */
	readonly load: () => Promise<(program: Command) => void>;
}

/** In the order of the help. */
export const ENTRIES: readonly Entry[] = [
	{
		name: "login",
		summary: "Keep a server and its key in a profile.",
		group: GROUPS.setUp,
		load: async () => (await import("./commands/access/login.ts")).addLogin,
	},
	{
		name: "logout",
		summary: "Forget a profile and its key.",
		group: GROUPS.setUp,
		load: async () => (await import("./commands/access/profiles.ts")).addLogout,
	},
	{
		name: "whoami",
		summary: "Show the server, the key and what it allows.",
		group: GROUPS.setUp,
		load: async () => (await import("./commands/access/whoami.ts")).addWhoami,
	},
	{
		name: "use",
		summary: "Choose the profile, and the project, that commands use.",
		group: GROUPS.setUp,
		load: async () => (await import("./commands/access/profiles.ts")).addUse,
	},
	{
		name: "open",
		summary: "Open the page of the server, at a resource or a screen.",
		group: GROUPS.setUp,
		load: async () => (await import("./commands/tools/open.ts")).addOpen,
	},
	{
		name: "doctor",
		summary: "Check the server, the key, the clock, the page, the disk and the settings.",
		group: GROUPS.setUp,
		load: async () => (await import("./commands/tools/doctor.ts")).addDoctor,
	},
	{
		name: "completion",
		summary: "Print the script with which a shell completes commands.",
		group: GROUPS.setUp,
		load: async () => (await import("./commands/tools/completion/completion.ts")).addCompletion,
	},
	{
		name: "listen",
		summary: "Forward deliveries to a program on this machine.",
		group: GROUPS.everyDay,
		load: async () => (await import("./commands/listen/listen.ts")).addListen,
	},
	{
		name: "trigger",
		summary: "Send an example event to your listener.",
		group: GROUPS.everyDay,
		load: async () => (await import("./commands/trigger/trigger.ts")).addTrigger,
	},
	{
		name: "tail",
		summary: "Show events and deliveries as they happen.",
		group: GROUPS.everyDay,
		load: async () => (await import("./commands/tail/tail.ts")).addTail,
	},
	{
		name: "verify",
		summary: "Check the signature of a request, and say what is wrong with it.",
		group: GROUPS.everyDay,
		load: async () => (await import("./commands/signing/verify.ts")).addVerify,
	},
	{
		name: "sign",
		summary: "Sign a body, for requests with curl.",
		group: GROUPS.everyDay,
		load: async () => (await import("./commands/signing/sign.ts")).addSign,
	},
	{
		name: "conform",
		summary: "Check whether a receiver does what receivers must do.",
		group: GROUPS.everyDay,
		load: async () => (await import("./commands/conform/conform.ts")).addConform,
	},
	{
		name: "generate-secret",
		summary: "Print a new webhook secret.",
		group: GROUPS.everyDay,
		load: async () => (await import("./generate-secret.ts")).addGenerateSecret,
	},
	{
		name: "why",
		summary: "Tell the whole story of an event or a delivery, with causes and cures.",
		group: GROUPS.everyDay,
		load: async () => (await import("./commands/why/why.ts")).addWhy,
	},
	{
		name: "webhooks",
		summary: "Create, change, test, pause and list webhooks.",
		group: GROUPS.resources,
		load: async () => (await import("./commands/webhooks/webhooks.ts")).addWebhooks,
	},
	{
		name: "events",
		summary: "Send, import, list and erase events.",
		group: GROUPS.resources,
		load: async () => (await import("./commands/events/events.ts")).addEvents,
	},
	{
		name: "deliveries",
		summary: "List, retry and cancel deliveries.",
		group: GROUPS.resources,
		load: async () => (await import("./commands/deliveries/deliveries.ts")).addDeliveries,
	},
	{
		name: "replays",
		summary: "Send old events again, and follow it.",
		group: GROUPS.resources,
		load: async () => (await import("./commands/replays/replays.ts")).addReplays,
	},
	{
		name: "event-types",
		summary: "Manage event types, with their schemas and examples.",
		group: GROUPS.resources,
		load: async () => (await import("./commands/event-types/event-types.ts")).addEventTypes,
	},
	{
		name: "customers",
		summary: "Show whom webhooks belong to, and pause theirs.",
		group: GROUPS.resources,
		load: async () => (await import("./commands/customers/customers.ts")).addCustomers,
	},
	{
		name: "portal",
		summary: "Make links with which customers use the portal.",
		group: GROUPS.resources,
		load: async () => (await import("./commands/portal/portal.ts")).addPortal,
	},
	{
		name: "projects",
		summary: "Create, change and list projects.",
		group: GROUPS.resources,
		load: async () => (await import("./commands/projects/projects.ts")).addProjects,
	},
	{
		name: "keys",
		summary: "Create, roll and delete API keys.",
		group: GROUPS.resources,
		load: async () => (await import("./commands/keys/keys.ts")).addKeys,
	},
	{
		name: "audit",
		summary: "Show who has changed what.",
		group: GROUPS.resources,
		load: async () => (await import("./commands/audit/audit.ts")).addAudit,
	},
	{
		name: "apply",
		summary: "Make webhooks, event types and project settings what a file asks for.",
		group: GROUPS.resources,
		load: async () => (await import("./commands/apply/apply.ts")).addApply,
	},
	{
		name: "export",
		summary: "Write webhooks, event types and project settings into a file for apply.",
		group: GROUPS.resources,
		load: async () => (await import("./commands/apply/export.ts")).addExport,
	},
	{
		name: "types",
		summary: "Write TypeScript types of the event types, from their schemas.",
		group: GROUPS.resources,
		load: async () => (await import("./commands/tools/types/types.ts")).addTypes,
	},
	{
		name: "api",
		summary: "Make one call of the HTTP API, with the profile's key.",
		group: GROUPS.resources,
		load: async () => (await import("./commands/tools/api.ts")).addApi,
	},
	{
		name: "serve",
		summary: "Start the server.",
		group: GROUPS.operate,
		load: async () => (await import("./serve.ts")).addServe,
	},
	{
		name: "dev",
		summary: "Start a server for development on this machine.",
		group: GROUPS.operate,
		load: async () => (await import("./commands/operate/dev.ts")).addDev,
	},
	{
		name: "status",
		summary: "Show what the server does, and the processes of a cluster.",
		group: GROUPS.operate,
		load: async () => (await import("./commands/operate/status.ts")).addStatus,
	},
	{
		name: "config",
		summary: "Show the settings that are in force, and where they come from.",
		group: GROUPS.operate,
		load: async () => (await import("./commands/operate/config.ts")).addConfig,
	},
	{
		name: "migrate",
		summary: "Bring the data of an earlier version to the form of this one.",
		group: GROUPS.operate,
		load: async () => (await import("./commands/operate/migrate.ts")).addMigrate,
	},
	{
		name: "migrate-store",
		summary: "Copy a data directory into a PostgreSQL database.",
		group: GROUPS.operate,
		load: async () => (await import("./commands/operate/migrate-store.ts")).addMigrateStore,
	},
	{
		name: "backup",
		summary: "Copy a server's data into a file, while the server runs or without it.",
		group: GROUPS.operate,
		load: async () => (await import("./backup.ts")).addBackup,
	},
	{
		name: "restore",
		summary: "Put a backup into an empty data directory.",
		group: GROUPS.operate,
		load: async () => (await import("./restore.ts")).addRestore,
	},
	{
		name: "release",
		summary: "Resume the webhooks that a restore with --hold has paused.",
		group: GROUPS.operate,
		load: async () => (await import("./release.ts")).addRelease,
	},
	{
		name: "rotate-master-key",
		summary: "Encrypt all webhook secrets with a new master key.",
		group: GROUPS.operate,
		load: async () => (await import("./rotate-master-key.ts")).addRotateMasterKey,
	},
];

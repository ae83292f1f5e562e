// The settings of the server as options, grouped by subject.
import { describeSettings, type Config } from "@fanfare/server";
import { Option, type Command } from "commander";

/** The subjects, in the order of the help. */
const SUBJECTS = {
	address: "Address, proxies and browsers:",
	data: "Data and keys:",
	receivers: "Which receivers may be called:",
	delivering: "Delivering:",
	retention: "Retention and quotas:",
	limits: "Limits of the server:",
	customers: "Limits of each customer:",
	process: "The process:",
} as const;

/** The subject of each setting. The compiler asks for that of a new one. */
const SUBJECT_OF: Readonly<Record<keyof Config, keyof typeof SUBJECTS>> = {
	host: "address",
	port: "address",
	publicUrl: "address",
	trustedProxies: "address",
	actorHeader: "address",
	portalOrigins: "address",
	dataDir: "data",
	databaseUrl: "data",
	expectStandby: "data",
	natsUrl: "data",
	natsCredentials: "data",
	natsPrefix: "data",
	adminKey: "data",
	masterKey: "data",
	allowHttp: "receivers",
	allowForCustomers: "receivers",
	allowNetworks: "receivers",
	allowHosts: "receivers",
	proxy: "receivers",
	noProxy: "receivers",
	egressAddresses: "receivers",
	maxInFlight: "delivering",
	maxInFlightPerWebhook: "delivering",
	senderThreads: "delivering",
	relays: "delivering",
	maxRelays: "delivering",
	maxReplays: "delivering",
	retentionDays: "retention",
	payloadRetentionDays: "retention",
	auditRetentionDays: "retention",
	maxEventsPerSecond: "retention",
	maxStoredBytes: "retention",
	maxProjects: "limits",
	maxKeys: "limits",
	maxWebhooks: "limits",
	maxWebhookBytes: "limits",
	maxCustomers: "limits",
	maxCustomerBytes: "limits",
	maxConnections: "limits",
	acceptorThreads: "limits",
	maxStreams: "limits",
	maxWaitingSends: "limits",
	maxBodyBytesInHand: "limits",
	maxRefusalsPerSecond: "limits",
	maxChangesPerMinute: "limits",
	maxWebhooksPerCustomer: "customers",
	maxReplaysPerCustomer: "customers",
	maxStreamsPerCustomer: "customers",
	maxTestsPerCustomer: "customers",
	maxChangesPerMinutePerCustomer: "customers",
	maxRelaysPerCustomer: "customers",
	role: "process",
	logLevel: "process",
	tracesUrl: "process",
	tracesRatio: "process",
	shutdownGraceMs: "process",
};

/** The settings in the order of their subjects, each with its name in `Config`. */
export function settingsBySubject() {
	const order = Object.keys(SUBJECTS);
	return describeSettings()
		.map((setting) => {
			const name = setting.name as keyof Config;
			return { ...setting, name, subject: SUBJECTS[SUBJECT_OF[name]] };
		})
		.toSorted((a, b) => order.indexOf(SUBJECT_OF[a.name]) - order.indexOf(SUBJECT_OF[b.name]));
}

/** Adds an option for each setting that is not secret. */
export function addSettingOptions(command: Command): void {
	for (const { flag, variable, meaning, expected, defaultText, isSecret, subject } of settingsBySubject()) {
		if (isSecret) continue;
		const help = `${meaning} Must be ${expected}. Default: ${defaultText}. [${variable}]`;
		const option = new Option(`--${flag} <value>`, help.replaceAll("`", "")).helpGroup(subject);
		// Commander would take --no-proxy for the opposite of an option --proxy.
		option.negate = false;
		command.addOption(option);
	}
	const secrets = describeSettings().filter(({ isSecret }) => isSecret);
	command.addHelpText(
		"after",
		[
			`\nSecrets can only be set with environment variables: ${secrets.map(({ variable }) => variable).join(", ")}.`,
			"With _FILE at its end, a variable names a file that has the secret: FANFARE_MASTER_KEY_FILE=/run/secrets/master-key.",
			"FANFARE_SETTINGS_FILE names a file of settings that can change while the server runs, one FANFARE_NAME=value a line:",
			"SIGHUP reads it again. docs/configuration.md says which ones they are.",
		].join("\n"),
	);
}

/** The settings among the options, by their flags: `dataDir` → `data-dir`. */
export function toFlags(options: Readonly<Record<string, unknown>>): Record<string, string> {
	const flags = new Map(settingsBySubject().map(({ name, flag }) => [name as string, flag]));
	return Object.fromEntries(
		Object.entries(options).flatMap(([name, value]) => {
			const flag = flags.get(name);
			return flag === undefined || typeof value !== "string" ? [] : [[flag, value]];
		}),
	);
}

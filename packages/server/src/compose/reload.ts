// The settings in force. Some of them can change: they are read again while the server runs, and given to the parts that use them.
import { isDeepStrictEqual } from "node:util";

import { pino, type Logger } from "pino";

import { createAddressGuard } from "../adapters/http/address-guard.ts";
import type { ChangeableGuard } from "../adapters/http/changeable-guard.ts";
import type { HttpSender } from "../adapters/http/http-sender.ts";
import { checkNetworks } from "../adapters/http/networks.ts";
import { completeConfig, ConfigError, describeSettings, type Config, type Settings } from "../config.ts";
import type { Engine } from "../engine/calls.ts";
import type { EngineChange } from "../engine/parts.ts";
import type { LogLevel } from "../ports/log.ts";

/** What reading the settings again has changed. Settings are named by their variables, such as `FANFARE_LOG_LEVEL`. */
export interface Reloaded {
	/** Settings that have another value from now on. */
	readonly changed: readonly string[];
	/** Settings whose new value applies only after a restart. */
	readonly needRestart: readonly string[];
}

/** The parts that take other values. */
interface Parts {
	readonly logger: Logger;
	readonly guard: ChangeableGuard;
	readonly sender: Pick<HttpSender, "recheck">;
	readonly engine: Pick<Engine, "change">;
}

const OF_GUARD: readonly (keyof Config)[] = ["allowHttp", "allowForCustomers", "allowNetworks", "allowHosts"];

/** The settings of a server, all of them valid together at any time. */
export class SettingsInForce {
	/** The lists are changed in place, so that each part that has one sees the values in force. */
	readonly portalOrigins: string[];
	readonly egressAddresses: string[];
	#config: Config;

	/** Throws a `TypeError` if a network is not valid. */
	constructor(config: Config) {
		this.#config = config;
		this.portalOrigins = [...config.portalOrigins];
		this.egressAddresses = [...egressAddressesOf(config)];
	}

	get config(): Config {
		return this.#config;
	}

	/**
	 * Reads the settings again, and puts in force what can change. If one is not valid, nothing changes, and the log says why: then the result
	 * is null.
	 */
	reload(read: () => Settings, parts: Parts): Reloaded | null {
		let next: Config;
		try {
			next = completeConfig(read());
			createAddressGuard(next);
			egressAddressesOf(next);
		} catch (error) {
			const problems = error instanceof ConfigError ? error.problems : [(error as Error).message];
			parts.logger.error({ problems }, "the settings could not be read again: those in force stay");
			return null;
		}
		const different = describeSettings().filter(
			({ name }) => !isDeepStrictEqual(valueOf(next, name), valueOf(this.#config, name)),
		);
		const [changed = [], needRestart = []] = [true, false].map((reloads) =>
			different.filter((setting) => setting.reloads === reloads),
		);
		const values = Object.fromEntries(changed.map(({ name }) => [name, valueOf(next, name)]));
		const before = this.#config;
		this.#use(Object.freeze({ ...this.#config, ...values }), parts);
		const reloaded = { changed: changed.map(variable), needRestart: needRestart.map(variable) };
		tell(parts.logger, this.#config.logLevel, reloaded);
		warnOfShorterRetention(parts.logger, before, this.#config);
		return reloaded;
	}

	#use(config: Config, { guard, sender, engine }: Parts): void {
		const before = this.#config;
		this.#config = config;
		if (OF_GUARD.some((name) => config[name] !== before[name])) {
			guard.replace(createAddressGuard(config));
			// What was allowed a moment ago must not go on over a kept connection.
			sender.recheck();
		}
		this.portalOrigins.splice(0, Infinity, ...config.portalOrigins);
		this.egressAddresses.splice(0, Infinity, ...egressAddressesOf(config));
		engine.change(engineChangeOf(config));
	}
}

/** The settings of the engine that can change. */
export function engineChangeOf(config: Config): EngineChange {
	const { maxProjects, maxKeys, maxReplays, maxWebhooks, maxWebhookBytes, maxCustomers, maxCustomerBytes } = config;
	const { maxWebhooksPerCustomer, maxReplaysPerCustomer, maxStreamsPerCustomer, maxTestsPerCustomer } = config;
	const { relays, maxRelays, maxRelaysPerCustomer, maxChangesPerMinute, maxChangesPerMinutePerCustomer } = config;
	const { retentionDays, payloadRetentionDays, auditRetentionDays, maxEventsPerSecond, maxStoredBytes } = config;
	const ofEachCustomer = { maxWebhooksPerCustomer, maxReplaysPerCustomer, maxStreamsPerCustomer, maxTestsPerCustomer };
	const ofRelays = { relays, maxRelays, maxRelaysPerCustomer };
	return {
		limits: {
			maxProjects,
			maxKeys,
			maxReplays,
			maxWebhooks,
			maxWebhookBytes,
			maxCustomers,
			maxCustomerBytes,
			maxChangesPerMinute,
			maxChangesPerMinutePerCustomer,
			...ofEachCustomer,
			...ofRelays,
		},
		retention: { retentionDays, payloadRetentionDays, auditRetentionDays },
		quotas: { maxEventsPerSecond, maxStoredBytes },
	};
}

function egressAddressesOf({ egressAddresses }: Config): readonly string[] {
	return checkNetworks(egressAddresses, "FANFARE_EGRESS_ADDRESSES");
}

function valueOf(config: Config, name: string): unknown {
	return Object.entries(config).find(([key]) => key === name)?.[1];
}

function variable({ variable }: { readonly variable: string }): string {
	return variable;
}

/** The line is visible if the earlier level or the new one lets it through. */
function tell(logger: Logger, level: LogLevel, reloaded: Reloaded): void {
	const severity = (name: string) => pino.levels.values[name] ?? Infinity;
	if (severity(level) < severity(logger.level)) logger.level = level;
	logger.info(reloaded, "the settings were read again");
	logger.level = level;
}

const OF_PROJECTS = "of projects without a setting of their own";
const RETENTION = [
	{ name: "retentionDays", variable: "FANFARE_RETENTION_DAYS", deleted: `events ${OF_PROJECTS}` },
	{ name: "payloadRetentionDays", variable: "FANFARE_PAYLOAD_RETENTION_DAYS", deleted: `payloads ${OF_PROJECTS}` },
	{ name: "auditRetentionDays", variable: "FANFARE_AUDIT_RETENTION_DAYS", deleted: "audit entries" },
] as const;

/** What the next pass of retention deletes cannot be brought back. 0 means for ever, or for as long as the event. */
function warnOfShorterRetention(logger: Logger, before: Config, now: Config): void {
	for (const { name, variable, deleted } of RETENTION) {
		const [from, to] = [before[name] ?? 0, now[name] ?? 0];
		if (to === 0 || (from !== 0 && to >= from)) continue;
		const facts = { setting: variable, days: to, daysBefore: from };
		logger.warn(facts, `retention is shorter now: from its next pass on, it deletes older ${deleted}`);
	}
}

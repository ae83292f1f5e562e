// For each alert: series with which it must fire, and series with which it must not. In promtool's notation, a value a minute.

interface AlertCase {
	/** Series by their name and labels. */
	readonly fires: Readonly<Record<string, string>>;
	/** Others with which it must fire, too. */
	readonly alsoFires?: Readonly<Record<string, string>>;
	readonly quiet: Readonly<Record<string, string>>;
	/** When it is looked at, after the first value. */
	readonly at: string;
}

const JOB = 'job="fanfare",instance="a"';
const A = 'instance="a"';
const B = 'job="fanfare",instance="b"';
const refused = (code: string) => `fanfare_events_refused_total{${A},code="${code}"}`;
const SIZE = `fanfare_volume_bytes{${A},kind="size"}`;
const FREE = `fanfare_volume_bytes{${A},kind="free"}`;
const commits = (le: string) => `fanfare_commit_duration_seconds_bucket{${A},le="${le}"}`;
const attempts = (result: string) => `fanfare_attempts_total{${A},result="${result}"}`;
const owned = (instance: string) => `fanfare_owned_shards{job="fanfare",instance="${instance}"}`;
const member = (instance: string) => `fanfare_member{job="fanfare",instance="${instance}"}`;
const free = (instance: string, duty: string) =>
	`fanfare_duty_free{job="fanfare",instance="${instance}",duty="${duty}"}`;
const connections = (instance: string, kind: string) =>
	`fanfare_database_connections{job="fanfare",instance="${instance}",kind="${kind}"}`;
const build = (instance: string, version: string) =>
	`fanfare_build_info{job="fanfare",instance="${instance}",version="${version}"}`;

export const ALERT_CASES: Readonly<Record<string, AlertCase>> = {
	FanfareDown: {
		fires: { [`up{${JOB}}`]: "1 0x10" },
		// The only target has gone.
		alsoFires: { [`up{${JOB}}`]: "1 stale", 'up{job="other"}': "1x12" },
		quiet: { [`up{${JOB}}`]: "1 0 1x10", 'up{job="other"}': "0x12" },
		at: "4m",
	},
	FanfareRestarting: {
		fires: { [`process_start_time_seconds{${JOB}}`]: "1x3 2x3 3x3 4x20" },
		quiet: { [`process_start_time_seconds{${JOB}}`]: "1x3 2x26" },
		at: "20m",
	},
	FanfareStoreRefuses: {
		fires: { [refused("store_full")]: "0 0 5 5 5 5" },
		quiet: { [refused("store_full")]: "7x5", [refused("invalid_request")]: "0+5x5" },
		at: "3m",
	},
	FanfareDeliveriesLate: {
		fires: { [`fanfare_oldest_due_seconds{${A}}`]: "61+60x10" },
		quiet: { [`fanfare_oldest_due_seconds{${A}}`]: "61 90 0x10" },
		at: "8m",
	},
	FanfareDeliveriesVeryLate: {
		fires: { [`fanfare_oldest_due_seconds{${A}}`]: "901+60x10" },
		quiet: { [`fanfare_oldest_due_seconds{${A}}`]: "600x10" },
		at: "8m",
	},
	FanfareVolumeLow: {
		fires: { [SIZE]: "100x20", [FREE]: "14x20" },
		quiet: { [SIZE]: "100x20", [FREE]: "16x20" },
		at: "15m",
	},
	FanfareVolumeFilling: {
		fires: { [FREE]: "1000000-300x480" },
		quiet: { [FREE]: "1000000000-300x480" },
		at: "8h",
	},
	FanfareLogLarge: {
		fires: { [`fanfare_store_bytes{${A},file="wal"}`]: "2000000000x20" },
		quiet: {
			[`fanfare_store_bytes{${A},file="wal"}`]: "900000000x20",
			[`fanfare_store_bytes{${A},file="database"}`]: "9000000000x20",
		},
		at: "18m",
	},
	FanfareCommitsSlow: {
		fires: { [commits("0.25")]: "0+90x20", [commits("1")]: "0+100x20", [commits("+Inf")]: "0+100x20" },
		quiet: { [commits("0.25")]: "0+100x20", [commits("1")]: "0+100x20", [commits("+Inf")]: "0+100x20" },
		at: "18m",
	},
	FanfareOverloaded: {
		fires: {
			[refused("overloaded")]: "0+9x20",
			[`fanfare_request_bodies_refused_total{${A},code="overloaded"}`]: "0x20",
		},
		quiet: {
			[refused("overloaded")]: "9x20",
			[`fanfare_request_bodies_refused_total{${A},code="overloaded"}`]: "0x20",
		},
		at: "12m",
	},
	FanfareQuotaReached: {
		fires: { [refused("event_rate_exceeded")]: "0+9x40" },
		quiet: { [refused("event_rate_exceeded")]: "0 5x40" },
		at: "35m",
	},
	FanfareShortage: {
		fires: { [`fanfare_attempts_returned_total{${A},reason="shortage"}`]: "0 0 4x5" },
		quiet: { [`fanfare_attempts_returned_total{${A},reason="queued"}`]: "0 0 4x5" },
		at: "4m",
	},
	FanfareDescriptorsLow: {
		fires: { [`process_open_fds{${JOB}}`]: "900x20", [`process_max_fds{${JOB}}`]: "1000x20" },
		quiet: { [`process_open_fds{${JOB}}`]: "800x20", [`process_max_fds{${JOB}}`]: "1000x20" },
		at: "15m",
	},
	FanfareConnectionsRefused: {
		fires: { [`fanfare_connections_refused_total{${A}}`]: "0+3x20" },
		quiet: { [`fanfare_connections_refused_total{${A}}`]: "3x20" },
		at: "12m",
	},
	FanfareReadsRefused: {
		fires: { [`fanfare_reads_refused_total{${A}}`]: "0+3x40" },
		quiet: { [`fanfare_reads_refused_total{${A}}`]: "3x40" },
		at: "25m",
	},
	FanfareAttemptsFailing: {
		fires: { [attempts("failure")]: "0+60x60", [attempts("success")]: "0+30x60" },
		quiet: { [attempts("failure")]: "0+30x60", [attempts("success")]: "0+60x60" },
		at: "50m",
	},
	FanfareProblems: {
		fires: { [`fanfare_problems_total{${A}}`]: "0 0 1x10" },
		quiet: { [`fanfare_problems_total{${A}}`]: "1x20" },
		at: "5m",
	},
	FanfareBusy: {
		fires: { [`nodejs_eventloop_lag_p99_seconds{${JOB}}`]: "0.6x20" },
		quiet: { [`nodejs_eventloop_lag_p99_seconds{${JOB}}`]: "0.6 0.1x20" },
		at: "15m",
	},
	FanfareNotMember: {
		fires: { [`fanfare_member{${JOB}}`]: "0x5" },
		quiet: { [`fanfare_member{${JOB}}`]: "1 0 1x5" },
		at: "4m",
	},
	FanfareShardsUnowned: {
		fires: { [owned("a")]: "128x5", [owned("b")]: "0x5" },
		quiet: { [owned("a")]: "128x5", [owned("b")]: "128 100 128x5" },
		at: "4m",
	},
	FanfareShardsOwnedTwice: {
		fires: { [owned("a")]: "256x5", [owned("b")]: "128x5" },
		// They are scraped one after the other, so that a move shows twice for a moment.
		quiet: { [owned("a")]: "256 256 128x5", [owned("b")]: "0 128x6" },
		at: "4m",
	},
	FanfareStandbyLost: {
		fires: { [`fanfare_standby_synchronous{${JOB}}`]: "1x5 0x20" },
		// A database whose disk has copies never had one.
		quiet: { [`fanfare_standby_synchronous{${JOB}}`]: "0x25" },
		at: "15m",
	},
	FanfareStandbyMissing: {
		fires: { [`fanfare_standby_expected{${JOB}}`]: "1x10", [`fanfare_standby_synchronous{${JOB}}`]: "0x10" },
		// Nobody expects one.
		quiet: { [`fanfare_standby_expected{${JOB}}`]: "0x10", [`fanfare_standby_synchronous{${JOB}}`]: "0x10" },
		at: "8m",
	},
	FanfareDutyFree: {
		fires: { [free("a", "retention")]: "1x10", [free("a", "stats")]: "0x10", [free("b", "retention")]: "1x10" },
		// It moves from one process to the other.
		quiet: { [free("a", "retention")]: "0 1 0x10", [free("b", "retention")]: "0 0 1 0x10" },
		at: "8m",
	},
	FanfareDatabaseConnectionsLow: {
		fires: { [connections("a", "used")]: "90x20", [connections("a", "allowed")]: "97x20" },
		quiet: { [connections("a", "used")]: "70x20", [connections("a", "allowed")]: "97x20" },
		at: "15m",
	},
	FanfareNatsPartial: {
		// Nobody has told the second process of NATS.
		fires: { [member("a")]: "1x10", [member("b")]: "1x10", [`fanfare_nats_up{${JOB}}`]: "1x10" },
		alsoFires: {
			[member("a")]: "1x10",
			[member("b")]: "1x10",
			[`fanfare_nats_up{${JOB}}`]: "1x10",
			[`fanfare_nats_up{${B}}`]: "0x10",
		},
		quiet: {
			[member("a")]: "1x10",
			[member("b")]: "1x10",
			[`fanfare_nats_up{${JOB}}`]: "1x10",
			[`fanfare_nats_up{${B}}`]: "1 0 1x10",
		},
		at: "8m",
	},
	FanfareNatsAway: {
		fires: { [`fanfare_nats_up{${JOB}}`]: "1 0x5" },
		quiet: { [`fanfare_nats_up{${JOB}}`]: "0 1x5" },
		at: "5m",
	},
	FanfareNatsRefused: {
		fires: { [`fanfare_nats_refused_total{${JOB}}`]: "0 0 3x10" },
		quiet: { [`fanfare_nats_refused_total{${JOB}}`]: "3x20" },
		at: "5m",
	},
	FanfareNatsMissed: {
		fires: { [`fanfare_nats_missed_total{${JOB}}`]: "0+5x20" },
		quiet: { [`fanfare_nats_missed_total{${JOB}}`]: "0 10x20" },
		at: "11m",
	},
	FanfareHandOffsLost: {
		fires: {
			[`fanfare_nats_handed_off_total{${JOB}}`]: "0+600x30",
			[`fanfare_nats_handed_over_total{${B}}`]: "0+100x30",
		},
		// None arrives.
		alsoFires: {
			[`fanfare_nats_handed_off_total{${JOB}}`]: "0+100x30",
			[`fanfare_nats_handed_over_total{${B}}`]: "0x30",
		},
		quiet: {
			[`fanfare_nats_handed_off_total{${JOB}}`]: "0+600x30",
			[`fanfare_nats_handed_over_total{${B}}`]: "0+590x30",
		},
		at: "20m",
	},
	FanfareVersionsDiffer: {
		fires: { [build("a", "0.2.0")]: "1x180", [build("b", "0.3.0")]: "1x180" },
		quiet: { [build("a", "0.2.0")]: "1x60 stale", [build("b", "0.3.0")]: "1x180" },
		at: "150m",
	},
};

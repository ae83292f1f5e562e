// The Grafana board: deploy/grafana/fanfare.json, checked by the types of Grafana's schema package.
import {
	DashboardCursorSync,
	FieldColorModeId,
	type Dashboard,
	type GraphFieldConfig,
	GraphThresholdsStyleMode,
	type Panel,
	type RowPanel,
	StackingMode,
	ThresholdsMode,
	VariableRefresh,
} from "@grafana/schema";

const DATA_SOURCE = { type: "prometheus", uid: "${datasource}" };
const COLUMNS = 24;
const HEIGHT = 8;
/** Grafana's names of the queries of a chart. */
const REF_IDS = "ABCDEF";
/** Every query is about the instances that are chosen at the top. */
const CHOSEN = 'instance=~"$instance"';

/** A line, or a set of lines, of a chart. */
interface Query {
	/** PromQL. `CHOSEN` stands in the braces of its metrics. */
	readonly expr: string;
	/** What a line is called, with labels such as `{{code}}`. */
	readonly legend: string;
}

interface Chart {
	readonly title: string;
	/** What it shows, and what to think of it. */
	readonly description: string;
	/** Grafana's name of the unit, such as `s`, `bytes` or `ops`. */
	readonly unit: string;
	readonly queries: readonly Query[];
	/** From this value on it is bad. */
	readonly bad?: number;
	readonly stacked?: boolean;
}

interface Section {
	readonly title: string;
	readonly charts: readonly Chart[];
}

/** A metric of the chosen instances, and of further labels if given. */
const now = (metric: string, ...labels: readonly string[]) => `${metric}{${[CHOSEN, ...labels].join(",")}}`;
const rate = (metric: string, ...labels: readonly string[]) => `rate(${now(metric, ...labels)}[$__rate_interval])`;
const quantile = (part: number, metric: string) =>
	`histogram_quantile(${part}, sum by (le) (${rate(`${metric}_bucket`)}))`;
const percentiles = (metric: string): Query[] =>
	[0.5, 0.95, 0.99].map((part) => ({ expr: quantile(part, metric), legend: `p${part * 100}` }));

const SECTIONS: readonly Section[] = [
	{
		title: "Deliveries",
		charts: [
			{
				title: "Accepted events, and what became of attempts",
				description: "Events that were committed, and attempts by result, each second.",
				unit: "ops",
				queries: [
					{ expr: `sum(${rate("fanfare_events_accepted_total")})`, legend: "events accepted" },
					{ expr: `sum by (result) (${rate("fanfare_attempts_total")})`, legend: "attempts: {{result}}" },
				],
			},
			{
				title: "Failed attempts, by error",
				description:
					"`status` is an answer that is no success. Many receivers at once point to the network of the server.",
				unit: "ops",
				stacked: true,
				queries: [
					{ expr: `sum by (error) (${rate("fanfare_attempts_total", 'result="failure"')}) > 0`, legend: "{{error}}" },
				],
			},
			{
				title: "Oldest due delivery",
				description: "For how long the oldest delivery that is due has waited for its attempt. 0 while nothing waits.",
				unit: "s",
				bad: 60,
				queries: [{ expr: now("fanfare_oldest_due_seconds"), legend: "{{instance}}" }],
			},
			{
				title: "Deliveries that are not final",
				description: "Pending ones wait for an attempt, Held ones for their webhook to be resumed.",
				unit: "short",
				stacked: true,
				queries: [{ expr: `sum by (status) (${now("fanfare_open_deliveries")})`, legend: "{{status}}" }],
			},
			{
				title: "From acceptance to the first attempt",
				description: "For first attempts of events that were not scheduled for later.",
				unit: "s",
				queries: percentiles("fanfare_accepted_to_sent_seconds"),
			},
			{
				title: "How long attempts take",
				description: "From the start of an attempt to the end of the response: mostly the receivers' own time.",
				unit: "s",
				queries: percentiles("fanfare_attempt_duration_seconds"),
			},
		],
	},
	{
		title: "Sends that were refused",
		charts: [
			{
				title: "Refused sends, by code",
				description:
					"store_full, store_unavailable and outcome_unknown are about the server, overloaded about its load, all others about the sender.",
				unit: "ops",
				stacked: true,
				queries: [
					{ expr: `sum by (code) (${rate("fanfare_events_refused_total")}) > 0`, legend: "{{code}}" },
					{ expr: `sum by (code) (${rate("fanfare_request_bodies_refused_total")}) > 0`, legend: "body: {{code}}" },
				],
			},
			{
				title: "Internal failures, refused connections and reads, attempts given back",
				description: "All should be 0. The log describes each internal failure at level error.",
				unit: "ops",
				queries: [
					{ expr: `sum(${rate("fanfare_problems_total")})`, legend: "internal failures" },
					{ expr: `sum(${rate("fanfare_connections_refused_total")})`, legend: "connections refused" },
					{ expr: `sum(${rate("fanfare_reads_refused_total")})`, legend: "reads refused" },
					{
						expr: `sum by (reason) (${rate("fanfare_attempts_returned_total")}) > 0`,
						legend: "given back: {{reason}}",
					},
				],
			},
		],
	},
	{
		title: "Store",
		charts: [
			{
				title: "Commits",
				description: "How long group commits take. A send is answered after its commit.",
				unit: "s",
				bad: 0.25,
				queries: percentiles("fanfare_commit_duration_seconds"),
			},
			{
				title: "Events and outcomes in a commit",
				description: "The more there are, the fewer times the disk is asked.",
				unit: "short",
				queries: percentiles("fanfare_commit_size"),
			},
			{
				title: "Files and what they hold",
				description: "The database, its write-ahead log, and what projects have stored as their quotas count it.",
				unit: "bytes",
				queries: [
					{ expr: now("fanfare_store_bytes"), legend: "{{file}}" },
					{ expr: now("fanfare_stored_bytes"), legend: "stored by projects" },
				],
			},
			{
				title: "Room on the volume",
				description: "Below 10 %, a project that holds more than half of the store is refused.",
				unit: "bytes",
				queries: [{ expr: now("fanfare_volume_bytes"), legend: "{{kind}}" }],
			},
			{
				title: "Deleted by retention",
				description: "Records of each kind, each second.",
				unit: "ops",
				queries: [{ expr: `sum by (kind) (${rate("fanfare_retention_deleted_total")})`, legend: "{{kind}}" }],
			},
			{
				title: "Webhooks",
				description: "By status. Disabled ones were disabled by Fanfare, because their receivers failed for too long.",
				unit: "short",
				stacked: true,
				queries: [{ expr: `sum by (status) (${now("fanfare_webhooks")})`, legend: "{{status}}" }],
			},
		],
	},
	{
		title: "Process",
		charts: [
			{
				title: "CPU",
				description: "In cores.",
				unit: "short",
				queries: [{ expr: rate("process_cpu_seconds_total"), legend: "{{instance}}" }],
			},
			{
				title: "Memory",
				description: "Resident memory, the heap in use, and the responses that clients have not read yet.",
				unit: "bytes",
				queries: [
					{ expr: now("process_resident_memory_bytes"), legend: "resident" },
					{ expr: now("nodejs_heap_size_used_bytes"), legend: "heap" },
					{ expr: now("fanfare_unread_response_bytes"), legend: "unread responses" },
				],
			},
			{
				title: "Lag of the event loop",
				description: "How late the main thread is. Below 50 ms is fine.",
				unit: "s",
				bad: 0.5,
				queries: [
					{ expr: now("nodejs_eventloop_lag_p99_seconds"), legend: "p99" },
					{ expr: now("nodejs_eventloop_lag_max_seconds"), legend: "longest" },
				],
			},
			{
				title: "Work in hand",
				description: "Attempts in flight, deliveries ready in memory, sends that wait for their commit.",
				unit: "short",
				queries: [
					{ expr: now("fanfare_in_flight_attempts"), legend: "attempts in flight" },
					{ expr: now("fanfare_ready_deliveries"), legend: "ready deliveries" },
					{ expr: now("fanfare_waiting_sends"), legend: "waiting sends" },
				],
			},
			{
				title: "File descriptors",
				description: "Open ones, and how many there may be.",
				unit: "short",
				queries: [
					{ expr: now("process_open_fds"), legend: "open" },
					{ expr: now("process_max_fds"), legend: "allowed" },
				],
			},
			{
				title: "Version",
				description: "What runs.",
				unit: "short",
				queries: [{ expr: now("fanfare_build_info"), legend: "{{version}} on {{instance}}" }],
			},
		],
	},
	{
		title: "Several processes on one database (empty for one alone)",
		charts: [
			{
				title: "Groups of webhooks, by their owner",
				description: "All together should be 256. A process that holds none accepts only, or is none of the members.",
				unit: "short",
				stacked: true,
				queries: [{ expr: now("fanfare_owned_shards"), legend: "{{instance}}" }],
			},
			{
				title: "Members, NATS and the standby",
				description:
					"Processes that are members, those that NATS carries messages for, and those whose commits wait for a standby of the database.",
				unit: "short",
				queries: [
					{ expr: `sum(${now("fanfare_member")})`, legend: "members" },
					{ expr: `sum(${now("fanfare_nats_up")})`, legend: "with NATS" },
					{ expr: `sum(${now("fanfare_standby_synchronous")})`, legend: "with a standby" },
				],
			},
			{
				title: "Connections to the database",
				description: "Those of everybody, of those that the database allows. A process has up to 14.",
				unit: "short",
				queries: [{ expr: `max by (kind) (${now("fanfare_database_connections")})`, legend: "{{kind}}" }],
			},
			{
				title: "Duties that nobody has",
				description:
					"Work that one process does for all, such as retention. A duty that moves is free for some seconds.",
				unit: "short",
				queries: [{ expr: `max by (duty) (${now("fanfare_duty_free")})`, legend: "{{duty}}" }],
			},
			{
				title: "Deliveries handed to their owners by NATS",
				description:
					"What was sent should also arrive. What does not is found in the database, up to half a second later. Missed and refused messages should be none.",
				unit: "ops",
				queries: [
					{ expr: `sum(${rate("fanfare_nats_handed_off_total")})`, legend: "sent" },
					{ expr: `sum(${rate("fanfare_nats_handed_over_total")})`, legend: "arrived" },
					{ expr: `sum(${rate("fanfare_nats_missed_total")})`, legend: "missed" },
					{ expr: `sum(${rate("fanfare_nats_refused_total")})`, legend: "refused" },
				],
			},
		],
	},
];

/** The board as Grafana imports it. The data source is chosen at its top. */
export function renderGrafanaBoard(): string {
	return `${JSON.stringify(board(), null, 2)}\n`;
}

function board(): Dashboard {
	return {
		uid: "fanfare",
		title: "Fanfare",
		description: "Deliveries, refusals, the store and the process of Fanfare.",
		tags: ["fanfare", "webhooks"],
		schemaVersion: 42,
		editable: true,
		graphTooltip: DashboardCursorSync.Crosshair,
		refresh: "30s",
		time: { from: "now-6h", to: "now" },
		templating: {
			list: [
				{ type: "datasource", name: "datasource", label: "Data source", query: "prometheus" },
				{
					type: "query",
					name: "instance",
					label: "Instance",
					datasource: DATA_SOURCE,
					query: "label_values(fanfare_build_info, instance)",
					refresh: VariableRefresh.onTimeRangeChanged,
					includeAll: true,
					multi: true,
					allValue: ".*",
				},
			],
		},
		panels: panels(),
	};
}

/** A row for each section, and its charts beneath, two or three beside each other. */
function panels(): (Panel | RowPanel)[] {
	const all: (Panel | RowPanel)[] = [];
	let y = 0;
	for (const { title, charts } of SECTIONS) {
		const id = all.length + 1;
		all.push({ type: "row", id, title, collapsed: false, panels: [], gridPos: { x: 0, y, w: COLUMNS, h: 1 } });
		const beside = charts.length % 3 === 0 ? 3 : 2;
		const w = COLUMNS / beside;
		charts.forEach((chart, index) => {
			const at = { x: (index % beside) * w, y: y + 1 + Math.floor(index / beside) * HEIGHT, w, h: HEIGHT };
			all.push({ ...chartPanel(chart), id: id + 1 + index, gridPos: at });
		});
		y += 1 + Math.ceil(charts.length / beside) * HEIGHT;
	}
	return all;
}

function chartPanel({ title, description, unit, queries, bad, stacked = false }: Chart): Panel {
	const custom: GraphFieldConfig = {
		fillOpacity: 10,
		lineWidth: 1,
		...(stacked && { stacking: { group: "all", mode: StackingMode.Normal } }),
		...(bad !== undefined && { thresholdsStyle: { mode: GraphThresholdsStyleMode.Line } }),
	};
	return {
		type: "timeseries",
		title,
		description,
		datasource: DATA_SOURCE,
		targets: queries.map(({ expr, legend }, index) => ({
			refId: REF_IDS.charAt(index),
			datasource: DATA_SOURCE,
			expr,
			legendFormat: legend,
		})),
		fieldConfig: {
			defaults: {
				unit,
				min: 0,
				color: { mode: FieldColorModeId.PaletteClassic },
				custom: { ...custom },
				...(bad !== undefined && {
					thresholds: {
						mode: ThresholdsMode.Absolute,
						steps: [
							{ color: "transparent", value: null },
							{ color: "red", value: bad },
						],
					},
				}),
			},
			overrides: [],
		},
		options: {
			legend: { displayMode: "list", placement: "bottom", showLegend: true },
			tooltip: { mode: "multi", sort: "desc" },
		},
	};
}

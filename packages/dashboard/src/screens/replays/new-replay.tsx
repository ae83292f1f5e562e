// S8: starts a replay: of what, to which webhook; first it says how many events that is, and from when they are.
import type { ReplayOutcome } from "@fanfare/sdk";
import { Button, Checkbox, TagsInput, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";

import type { Doubt } from "../../parts/feedback/doubt.ts";
import { useWatchedCall } from "../../parts/feedback/late-failures.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { useCall } from "../../parts/feedback/use-call.ts";
import { useIsShown } from "../../parts/feedback/use-is-shown.ts";
import { parseMoment, writeMoment } from "../../parts/form/moment.ts";
import { Icon } from "../../parts/layout/icon.tsx";
import { PageHead } from "../../parts/layout/page-head.tsx";
import { count, counted } from "../../parts/text/format.ts";
import { useZone, zoneName, type Zone } from "../../parts/text/zone.ts";
import { useMay, useProject } from "../../session/caller.ts";
import { mayBeThere, webhookQuery } from "../webhook/queries.ts";
import { webhookNamesQuery } from "../webhooks/names.ts";
import { useEventTypes } from "../webhooks/queries.ts";
import { WebhookSelect } from "../webhooks/webhook-choice.tsx";
import { Histogram } from "./histogram.tsx";
import { estimateQuery, type Selection } from "./queries.ts";

const route = getRouteApi("/$projectId/replays/new");
const HOUR = 3_600_000;
const SETTLE_MS = 400;
const UNREADABLE = "Choose a date and a time.";

const OUTCOMES: readonly { readonly value: ReplayOutcome; readonly label: string; readonly about: string }[] = [
	{ value: "Failed", label: "Failed", about: "Retries were used up" },
	{ value: "Cancelled", label: "Cancelled", about: "By a person" },
	{ value: "Missed", label: "Missed", about: "It got no delivery: it was not there yet, or did not want the type" },
	{ value: "Succeeded", label: "Succeeded", about: "The receiver gets them a second time" },
];
const RANGES = [
	["Last hour", HOUR],
	["24 hours", 24 * HOUR],
	["7 days", 168 * HOUR],
	["30 days", 720 * HOUR],
] as const;

/** The last so many milliseconds, up to now. */
function lastMs(ms: number): Pick<Selection, "since" | "until"> {
	return { since: Date.now() - ms, until: null };
}

function writeEdge(at: number | null, zone: Zone): string {
	return at === null ? "" : writeMoment(at, zone);
}

export function NewReplayScreen() {
	const { id: projectId } = useProject();
	const mayWrite = useMay("write");
	return (
		<>
			<PageHead
				title="Start a replay"
				back={
					<Link className="link" to="/$projectId/replays" params={{ projectId }} search={{}}>
						‹ Replays
					</Link>
				}
			/>
			{mayWrite ? <Form /> : <p className="dim">Your key may only read: a replay needs the scope write.</p>}
		</>
	);
}

function Form() {
	const project = useProject();
	const navigate = route.useNavigate();
	const { webhook: webhookId } = route.useSearch();
	const make = useWatchedCall();
	/** Somebody may have gone to another screen meanwhile. */
	const isHere = useIsShown();
	const queryClient = useQueryClient();
	const [zone] = useZone();
	const { error: webhooksError, refetch: loadWebhooks } = useQuery(webhookNamesQuery(project));
	const { data: types = [] } = useEventTypes();
	const [range, setRange] = useState<Pick<Selection, "since" | "until">>(() => lastMs(24 * HOUR));
	/** Fields in which something is that is no time, such as one that is typed in half: it is not taken for empty. */
	const [unreadable, setUnreadable] = useState<{ readonly since?: true; readonly until?: true }>({});
	const [markedZone, setMarkedZone] = useState(zone);
	if (markedZone !== zone) {
		// The fields show their times anew.
		setMarkedZone(zone);
		setUnreadable({});
	}
	/** Counts the choices of a range: each shows its times, whatever was in the fields. */
	const [choices, setChoices] = useState(0);
	const [outcomes, setOutcomes] = useState<readonly ReplayOutcome[]>(["Failed", "Cancelled", "Missed"]);
	const [eventTypes, setEventTypes] = useState<readonly string[]>([]);
	const { data: webhook } = useQuery({
		...webhookQuery(project, webhookId ?? ""),
		enabled: (query) => webhookId !== undefined && mayBeThere(query),
	});
	const rangeError =
		range.until !== null && range.since >= range.until ? "The time must begin before it ends." : undefined;
	const isReadable = unreadable.since === undefined && unreadable.until === undefined;
	const isWhole = webhookId !== undefined && outcomes.length > 0 && rangeError === undefined && isReadable;
	const selection: Selection | null = isWhole ? { webhookId, ...range, status: outcomes, eventTypes } : null;
	const [settled] = useDebouncedValue(selection, SETTLE_MS);
	const estimate = useQuery(estimateQuery(project, settled));
	const start = useCall({
		mutationFn: ({ webhookId, eventTypes, until, ...rest }: Selection) =>
			project.batch.webhooks.replay(webhookId, {
				...rest,
				...(until !== null && { until }),
				...(eventTypes.length > 0 && { eventTypes }),
			}),
		onSuccess: async (replay, _, tell) => {
			tell("The replay has started");
			if (isHere()) void navigate({ to: "/$projectId/replays/$replayId", params: { replayId: replay.id }, search: {} });
			await queryClient.invalidateQueries({ queryKey: ["project", project.id, "replays"] });
		},
	});
	const doubt: Doubt = {
		what: "It is not known whether the replay has started",
		advice: "Look among the replays before you start it again: a second one sends the events twice.",
		look: {
			text: "See the replays",
			link: { to: "/$projectId/replays", params: { projectId: project.id }, search: {} },
		},
	};
	const begin = (selection: Selection) => {
		const what = `The replay${webhook === undefined ? "" : ` to ${webhook.name}`} was not started`;
		make(what, () => start.mutateAsync(selection), { doubt });
	};
	const choose = (ms: number) => {
		setRange(lastMs(ms));
		setUnreadable({});
		setChoices((choices) => choices + 1);
	};
	const setEdge = (edge: "since" | "until", { value: text, validity }: HTMLInputElement) => {
		const { [edge]: _, ...others } = unreadable;
		// A time that is typed in half has an empty text, too.
		const isUnreadable = validity.badInput || (text === "" && edge === "since");
		setUnreadable(isUnreadable ? { ...others, [edge]: true } : others);
		if (isUnreadable) return;
		// What is shown is the time to the minute: somebody who only looks at it changes nothing.
		if (text === writeEdge(range[edge], zone)) return;
		const at = parseMoment(text, zone);
		if (at !== null) setRange({ ...range, [edge]: edge === "since" ? Math.min(at, Date.now()) : at });
		else if (edge === "until") setRange({ ...range, until: null });
	};
	const isCurrent = JSON.stringify(settled) === JSON.stringify(selection);
	const found = isCurrent ? estimate.data : undefined;
	return (
		<div className="beside">
			<div className="card card-pad stack">
				{webhooksError !== null && (
					<Problem error={webhooksError} what="The webhooks could not be loaded" onRetry={loadWebhooks} />
				)}
				<WebhookSelect
					label="To the webhook"
					placeholder="Choose a webhook"
					required
					value={webhookId ?? null}
					onChange={(webhook) => void navigate({ search: webhook === null ? {} : { webhook }, replace: true })}
				/>
				{webhook !== undefined && webhook.status !== "Enabled" && (
					<p className="note warn flat">
						{webhook.name} is {webhook.status.toLowerCase()}: the replay waits until it is resumed.
					</p>
				)}
				<fieldset className="plain-field stack tight">
					<legend className="card-title">Events accepted</legend>
					<div className="bar">
						{RANGES.map(([label, ms]) => (
							<Button key={label} size="compact-sm" variant="default" onClick={() => choose(ms)}>
								{label}
							</Button>
						))}
						<span className="dim">times in {zoneName(zone)}</span>
					</div>
					<div className="pair">
						<TextInput
							type="datetime-local"
							label="From"
							key={`since ${range.since} ${zone} ${choices}`}
							defaultValue={writeEdge(range.since, zone)}
							error={unreadable.since === undefined ? rangeError : UNREADABLE}
							onBlur={({ currentTarget }) => setEdge("since", currentTarget)}
						/>
						<TextInput
							type="datetime-local"
							label="Before (now if empty)"
							key={`until ${range.until} ${zone} ${choices}`}
							defaultValue={writeEdge(range.until, zone)}
							error={unreadable.until === undefined ? undefined : UNREADABLE}
							onBlur={({ currentTarget }) => setEdge("until", currentTarget)}
						/>
					</div>
				</fieldset>
				<Checkbox.Group
					label="Whose newest delivery to it"
					value={[...outcomes]}
					error={outcomes.length === 0 ? "Choose at least one." : undefined}
					onChange={(values) =>
						setOutcomes(OUTCOMES.map(({ value }) => value).filter((value) => values.includes(value)))
					}
				>
					<div className="stack tight checks">
						{OUTCOMES.map(({ value, label, about }) => (
							<Checkbox key={value} value={value} label={label} description={about} />
						))}
					</div>
				</Checkbox.Group>
				<TagsInput
					label="Event types"
					description="Exact names, or a prefix such as order.*"
					placeholder={eventTypes.length === 0 ? "All types" : ""}
					data={types.map(({ name }) => name)}
					splitChars={[",", " ", ";"]}
					acceptValueOnBlur
					maxDropdownHeight={220}
					value={[...eventTypes]}
					onChange={setEventTypes}
				/>
			</div>
			<aside className="card card-pad stack" aria-label="What it sends">
				<h2 className="card-title">What it sends</h2>
				<div aria-live="polite">
					{selection === null && (
						<p className="dim flat">
							{isReadable ? "Choose a webhook" : "Correct the times"} to see how many events that is.
						</p>
					)}
					{selection !== null && found === undefined && estimate.error === null && (
						<p className="dim flat">Counting…</p>
					)}
					{found !== undefined && (
						<p className="flat">
							<span className="number num">
								{count(found.count)}
								{found.isComplete ? "" : " or more"}
							</span>{" "}
							{found.count === 1 ? "event" : "events"}
						</p>
					)}
				</div>
				{found !== undefined && found.count > 0 && <Histogram slices={found.slices} until={range.until} />}
				{found?.count === 0 && <p className="dim flat">Nothing in this time has such a delivery.</p>}
				{isCurrent && estimate.error !== null && (
					<Problem error={estimate.error} what="Not counted" onRetry={() => estimate.refetch()} />
				)}
				{start.error !== null && <Problem error={start.error} what="Not started" doubt={doubt} />}
				<div className="bar">
					<Button
						disabled={selection === null || found?.count === 0}
						loading={start.isPending}
						leftSection={<Icon name="retry" size={16} />}
						// What was counted is what is sent, also if events have come since.
						onClick={() => selection !== null && begin({ ...selection, until: found?.until ?? selection.until })}
					>
						{found === undefined ? "Start the replay" : `Send ${counted(found.count, "event")} again`}
					</Button>
				</div>
				<p className="dim flat">
					Each gets a new delivery with the same body and the same webhook-id, so a receiver that remembers ids can skip
					what it has. Events with a pending delivery are never sent twice.
				</p>
			</aside>
		</div>
	);
}

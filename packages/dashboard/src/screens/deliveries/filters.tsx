// The filters of deliveries. Each is a part of the address.
import { Button, Select } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";

import {
	expectedTypes,
	filterPart,
	SPANS,
	timeOf,
	toggled,
	typesText,
	valuesOf,
	type DeliveriesSearch,
	type DeliveryStatusName,
} from "../../app/search.ts";
import { FormShape } from "../../parts/feedback/skeletons.tsx";
import { FilterText } from "../../parts/form/filter-text.tsx";
import { Removable } from "../../parts/form/removable.tsx";
import { Icon } from "../../parts/layout/icon.tsx";
import { lazyPart, Part } from "../../parts/layout/part.tsx";
import { CAUSES, causeWords } from "../../parts/text/causes.ts";
import { idEnd } from "../../parts/text/format.ts";
import { formatTime, useZone } from "../../parts/text/zone.ts";
import { WebhookSelect } from "../webhooks/webhook-choice.tsx";
import { errorText } from "./filter-words.ts";
import { MoreFilters } from "./more-filters.tsx";

const route = getRouteApi("/$projectId/deliveries");
const timeBetween = lazyPart(
	"time-between",
	async () => (await import("../../parts/form/time-between.tsx")).TimeBetween,
);

const STATUSES: readonly DeliveryStatusName[] = ["Failed", "Pending", "Held", "Succeeded", "Cancelled"];
const BETWEEN = "between";
/** The value names the parameter and what it is set to. */
const TIMES = [
	{
		group: "Last change",
		items: Object.entries(SPANS).map(([span, words]) => ({
			value: `changed ${span}`,
			label: `Changed in the last ${words}`,
		})),
	},
	{
		group: "Created",
		items: [
			...Object.entries(SPANS).map(([span, words]) => ({
				value: `range ${span}`,
				label: `Created in the last ${words}`,
			})),
			{ value: BETWEEN, label: "Created between two times…" },
		],
	},
];
const CLASSES = ["5xx", "4xx", "3xx", "2xx"];
const CODES = [
	{ value: "0", label: "No response" },
	...CLASSES.map((value) => ({ value, label: `Any ${value}` })),
	...[
		"200",
		"202",
		"204",
		"301",
		"302",
		"400",
		"401",
		"403",
		"404",
		"405",
		"410",
		"413",
		"422",
		"429",
		"500",
		"502",
		"503",
		"504",
	].map((code) => ({ value: code, label: code })),
];
/** The fields that are filters of their own, beside that of the time. */
const FIELDS = ["type", "webhook", "tag", "code", "cause"] as const satisfies readonly (keyof DeliveriesSearch)[];
const CAUSE_CHOICES = Object.entries(CAUSES).map(([value, words]) => ({ value, label: capital(words) }));

/** Whether a search leaves anything out. */
export function hasFilter(search: DeliveriesSearch): boolean {
	return Object.keys(filterPart(search)).length > 0;
}

export function Filters({ search }: { readonly search: DeliveriesSearch }) {
	const navigate = route.useNavigate();
	const set = (change: Partial<Record<keyof DeliveriesSearch, string | undefined>>) =>
		void navigate({ search: (search) => ({ ...search, ...change }) as DeliveriesSearch });
	const { status, code, cause, error, webhook, event, customer, tag, range, changed, after, before } = search;
	const statuses = valuesOf(status);
	const [zone] = useZone();
	const [isBetween, setBetween] = useState(false);
	const time = changed !== undefined ? `changed ${changed}` : range !== undefined ? `range ${range}` : null;
	/** On a phone the fields would take half of the screen. Those in use are there all the same. */
	const [isFolded, setFolded] = useState(true);
	const inUse: readonly string[] = [
		...FIELDS.filter((name) => search[name] !== undefined),
		...(time === null ? [] : ["time"]),
	];
	/** What was in use since the fields were folded stays in sight: one that is emptied must not move the page under the pointer. */
	const [kept, setKept] = useState<ReadonlySet<string>>(new Set(inUse));
	if (!inUse.every((name) => kept.has(name))) setKept(new Set([...kept, ...inUse]));
	const fold = (isFolded: boolean) => {
		setFolded(isFolded);
		setKept(new Set(inUse));
	};
	const times = [
		...(after === undefined ? [] : [{ name: "after", word: "Created since", at: timeOf(after) }]),
		...(before === undefined ? [] : [{ name: "before", word: "Created before", at: timeOf(before) }]),
	];
	return (
		<div className="stack tight filters" data-folded={isFolded || undefined}>
			<div className="bar">
				<div className="chips" role="group" aria-label="State">
					<Chip isOn={status === undefined} onClick={() => set({ status: undefined })}>
						All
					</Chip>
					{STATUSES.map((one) => (
						<Chip key={one} isOn={statuses.includes(one)} onClick={() => set({ status: toggled(status, one) })}>
							{one}
						</Chip>
					))}
				</div>
				<span className="only-phone unfolds">
					<Button
						data-filter={isFolded || undefined}
						size="xs"
						variant="default"
						leftSection={<Icon name="search" size={14} />}
						aria-expanded={!isFolded}
						onClick={() => fold(!isFolded)}
					>
						Filters
					</Button>
				</span>
				<MoreFilters search={search} onChange={set} />
			</div>
			<div className="bar">
				<FilterText
					isFirst
					isKept={kept.has("type")}
					label="Event type"
					placeholder="Any event type"
					read={(text) => typesText(text, "deliveries")}
					expected={expectedTypes("deliveries")}
					value={search.type}
					onChange={(type) => set({ type })}
				/>
				<WebhookSelect
					className="filter"
					data-kept={kept.has("webhook") || undefined}
					aria-label="Webhook"
					placeholder="Any webhook"
					clearable
					value={webhook ?? null}
					onChange={(webhook) => set({ webhook: webhook ?? undefined })}
				/>
				<FilterText
					isKept={kept.has("tag")}
					label="Tag"
					placeholder="Any tag"
					value={tag}
					onChange={(tag) => set({ tag })}
				/>
				<Select
					className="filter"
					data-kept={kept.has("code") || undefined}
					aria-label="Last response"
					placeholder="Any response"
					searchable
					clearable
					data={withChosen(CODES, code, (code) => code.replaceAll(",", ", "))}
					value={code ?? null}
					onChange={(code) => set({ code: code ?? undefined })}
				/>
				<Select
					className="filter"
					data-kept={kept.has("cause") || undefined}
					aria-label="Cause"
					placeholder="Any cause"
					searchable
					clearable
					data={withChosen(CAUSE_CHOICES, cause, (cause) => valuesOf(cause).map(causeWords).join(", "))}
					value={cause ?? null}
					onChange={(cause) => set({ cause: cause ?? undefined })}
				/>
				<Select
					className="filter"
					data-kept={kept.has("time") || undefined}
					aria-label="Time"
					placeholder="Any time"
					clearable
					data={TIMES}
					value={time}
					onChange={(time) => {
						setBetween(time === BETWEEN);
						if (time === BETWEEN) return;
						const [name = "", span] = time?.split(" ") ?? [];
						const between = name === "range" ? { after: undefined, before: undefined } : {};
						set({ ...between, range: undefined, changed: undefined, [name]: span });
					}}
				/>
				{hasFilter(search) && (
					<>
						{event !== undefined && (
							<Removable text={`Event ${idEnd(event)}`} onRemove={() => set({ event: undefined })} />
						)}
						{customer !== undefined && (
							<Removable text={`Customer ${customer}`} onRemove={() => set({ customer: undefined })} />
						)}
						{error !== undefined && <Removable text={errorText(error)} onRemove={() => set({ error: undefined })} />}
						{times.map(({ name, word, at }) => (
							<Removable
								key={name}
								text={`${word} ${formatTime(at, "short", zone)}`}
								onRemove={() => set({ [name]: undefined })}
							/>
						))}
						<Button size="compact-sm" variant="subtle" onClick={() => void navigate({ search: {} })}>
							Remove all filters
						</Button>
					</>
				)}
			</div>
			{isBetween && (
				<Part
					of={timeBetween}
					props={{
						from: after === undefined ? undefined : timeOf(after),
						before: before === undefined ? undefined : timeOf(before),
						onApply: (from: number | undefined, before: number | undefined) => {
							setBetween(false);
							set({ range: undefined, after: isoOf(from), before: isoOf(before) });
						},
						onClose: () => setBetween(false),
					}}
					label="the times"
				>
					<FormShape fields={1} />
				</Part>
			)}
		</div>
	);
}

function isoOf(at: number | undefined): string | undefined {
	return at === undefined ? undefined : new Date(at).toISOString();
}

interface Choice {
	readonly value: string;
	readonly label: string;
}

/** The choices, and what the address has if it is none of them, such as several at once. */
function withChosen(choices: readonly Choice[], value: string | undefined, label: (value: string) => string): Choice[] {
	if (value === undefined || choices.some((choice) => choice.value === value)) return [...choices];
	return [{ value, label: label(value) }, ...choices];
}

function capital(words: string): string {
	return words.charAt(0).toUpperCase() + words.slice(1);
}

function Chip({
	isOn,
	onClick,
	children,
}: {
	readonly isOn: boolean;
	readonly onClick: () => void;
	readonly children: string;
}) {
	return (
		<Button size="xs" variant={isOn ? "filled" : "default"} aria-pressed={isOn} onClick={onClick}>
			{children}
		</Button>
	);
}

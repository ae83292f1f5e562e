// The filters of a list of deliveries. What is chosen is in the address.
import type { Webhook } from "@fanfare/sdk";

import { useGo } from "../../parts/to.tsx";
import { SHOWN, SINCE, useEventTypes, type Shown, type Since } from "../../session/queries.ts";
import { useTexts } from "../../texts/reader.tsx";
import type { ListSearch } from "./search.ts";

interface FiltersProps {
	readonly search: ListSearch;
	/** The endpoints to choose from; null in the list of one endpoint. */
	readonly endpoints: readonly Webhook[] | null;
	readonly onChange: (change: { readonly [name in keyof ListSearch]: string | undefined }) => void;
}

export function Filters({ search: { show, type, since, endpoint }, endpoints, onChange }: FiltersProps) {
	const { deliveries: words } = useTexts();
	const { data: types = [] } = useEventTypes();
	const names = types.map(({ name }) => name);
	const times: Readonly<Record<Since, string>> = {
		hour: words.lastHour,
		day: words.lastDay,
		week: words.lastWeek,
		month: words.lastMonth,
	};
	return (
		<div className="bar">
			<div className="segments" role="group" aria-label={words.filter}>
				<button type="button" aria-pressed={show === undefined} onClick={() => onChange({ show: undefined })}>
					{words.all}
				</button>
				{(Object.keys(SHOWN) as Shown[]).map((one) => (
					<button key={one} type="button" aria-pressed={show === one} onClick={() => onChange({ show: one })}>
						{words[one]}
					</button>
				))}
			</div>
			{endpoints !== null && (
				<Choice
					label={words.endpoint}
					any={words.anyEndpoint}
					options={endpoints.map(({ id, name }) => [id, name])}
					value={endpoint}
					onChange={(endpoint) => onChange({ endpoint })}
				/>
			)}
			{(names.length > 0 || type !== undefined) && (
				<Choice
					label={words.type}
					any={words.anyType}
					options={names.map((name) => [name, name])}
					value={type}
					onChange={(type) => onChange({ type })}
				/>
			)}
			<Choice
				label={words.time}
				any={words.anyTime}
				options={(Object.keys(SINCE) as Since[]).map((one) => [one, times[one]])}
				value={since}
				onChange={(since) => onChange({ since })}
			/>
		</div>
	);
}

interface ChoiceProps {
	readonly label: string;
	/** What stands for no filter. */
	readonly any: string;
	readonly options: readonly (readonly [value: string, text: string])[];
	readonly value: string | undefined;
	readonly onChange: (value: string | undefined) => void;
}

function Choice({ label, any, options, value, onChange }: ChoiceProps) {
	const isKnown = value === undefined || options.some(([one]) => one === value);
	return (
		<select
			aria-label={label}
			value={value ?? ""}
			onChange={({ currentTarget }) => onChange(currentTarget.value === "" ? undefined : currentTarget.value)}
		>
			<option value="">{any}</option>
			{[...(isKnown ? [] : [[value, value] as const]), ...options].map(([one, text]) => (
				<option key={one} value={one}>
					{text}
				</option>
			))}
		</select>
	);
}

/** Changes the filters of the list that is shown. */
export function useFilterChange(webhookId: string | null): FiltersProps["onChange"] {
	const go = useGo();
	return (change) => {
		// Somebody may have changed another one, of which this render does not know yet.
		const search = (former: Readonly<Record<string, string | undefined>>) => ({ ...former, ...change });
		if (webhookId === null) go({ to: "/deliveries", search });
		else go({ to: "/endpoints/$webhookId", params: { webhookId }, search });
	};
}

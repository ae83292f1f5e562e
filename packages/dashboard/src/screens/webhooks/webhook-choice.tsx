// Fields that choose webhooks. What is typed is also looked for on the server, if the project has more webhooks than are loaded.
import {
	defaultOptionsFilter,
	MultiSelect,
	Select,
	type MultiSelectProps,
	type OptionsFilter,
	type SelectProps,
} from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { idEnd } from "../../parts/text/format.ts";
import { useProject } from "../../session/caller.ts";
import { useWebhookNames, webhookNamesQuery, type WebhookName } from "./names.ts";
import { useFoundWebhooks } from "./queries.ts";

/** A list shows no more at once: whoever does not see the webhook types more of its name. */
const SHOWN = 50;
const ASK_AFTER_MS = 200;

type Field<Props> = Omit<
	Props,
	"data" | "value" | "onChange" | "searchable" | "searchValue" | "onSearchChange" | "limit" | "filter"
>;

interface WebhookSelectProps extends Field<SelectProps> {
	/** The id of the chosen one. */
	readonly value: string | null;
	readonly onChange: (webhookId: string | null) => void;
}

export function WebhookSelect({ value, onChange, ...field }: WebhookSelectProps) {
	const [text, setText] = useState("");
	const choices = useChoices(value === null ? [] : [value], text);
	return (
		<Select
			{...field}
			searchable
			limit={SHOWN}
			{...choices}
			value={value}
			onSearchChange={setText}
			onChange={(webhookId) => onChange(webhookId)}
		/>
	);
}

interface WebhookMultiSelectProps extends Field<MultiSelectProps> {
	/** The ids of the chosen ones. */
	readonly value: readonly string[];
	readonly onChange: (webhookIds: string[]) => void;
}

export function WebhookMultiSelect({ value, onChange, ...field }: WebhookMultiSelectProps) {
	const [text, setText] = useState("");
	const choices = useChoices(value, text);
	return (
		<MultiSelect
			{...field}
			searchable
			limit={SHOWN}
			{...choices}
			value={[...value]}
			onSearchChange={setText}
			onChange={onChange}
		/>
	);
}

/** The webhooks to choose from while somebody types this text. */
function useChoices(chosen: readonly string[], text: string) {
	const { data } = useQuery(webhookNamesQuery(useProject()));
	const named = useWebhookNames(chosen);
	const known = new Set(named.map(({ id }) => id));
	// Of one that is deleted, or a relay, only the id is known.
	const others = data === undefined ? [] : chosen.filter((id) => !known.has(id)).map((id) => ({ id, name: idEnd(id) }));
	const names = [...others, ...named];
	const [asked] = useDebouncedValue(text.trim(), ASK_AFTER_MS);
	// The field also shows what is chosen as its text.
	const isChosen = names.some((webhook) => chosen.includes(webhook.id) && labelOf(webhook) === asked);
	const isAsked = data?.isWhole === false && !isChosen;
	const { data: onServer } = useFoundWebhooks(isAsked ? asked : "", undefined);
	const all = new Map<string, Pick<WebhookName, "id" | "name" | "customerId">>(
		[...others, ...(onServer?.webhooks ?? []), ...named].map((webhook) => [webhook.id, webhook]),
	);
	// The server also looks into what the label does not show.
	const found = new Set(asked === text.trim() ? onServer?.webhooks.map(({ id }) => id) : []);
	const filter: OptionsFilter = ({ options, search, limit }) => {
		const byLabel = new Set(defaultOptionsFilter({ options, search, limit: options.length }));
		return options.filter((one) => byLabel.has(one) || ("value" in one && found.has(one.value))).slice(0, limit);
	};
	return { data: [...all.values()].map((webhook) => ({ value: webhook.id, label: labelOf(webhook) })), filter };
}

function labelOf({ name, customerId }: Pick<WebhookName, "name" | "customerId">): string {
	return customerId === undefined ? name : `${name} (${customerId})`;
}

// The name and the metadata of a customer.
import type { Customer } from "@fanfare/sdk";
import { Button, Textarea, TextInput } from "@mantine/core";
import { useState, type FormEvent } from "react";

import { Problem } from "../../parts/feedback/problem.tsx";
import { useToast } from "../../parts/feedback/toasts.tsx";
import { isShownBy, issueOf } from "../../parts/form/issues.ts";
import { Fact } from "../../parts/layout/fact.tsx";
import { Id } from "../../parts/text/copy.tsx";
import { Time } from "../../parts/text/time.tsx";
import { useMay } from "../../session/caller.ts";
import { useCustomerChange } from "../customers/queries.ts";

interface Draft {
	readonly name: string;
	/** `key: value` in each line. */
	readonly metadata: string;
}

export function About({ customer }: { readonly customer: Customer }) {
	const mayWrite = useMay("write");
	const toast = useToast();
	const before = draftOf(customer);
	const [draft, setDraft] = useState(before);
	const [isTried, setTried] = useState(false);
	const save = useCustomerChange(
		({ customers }, { name, metadata }: Draft) =>
			customers.update(customer.id, {
				name: name.trim() === "" ? null : name.trim(),
				metadata: metadataOf(metadata) ?? {},
			}),
		() => toast("Saved"),
	);
	const isChanged = draft.name !== before.name || draft.metadata !== before.metadata;
	const metadataError =
		metadataOf(draft.metadata) === null ? "Write one key and its value a line, as plan: enterprise." : undefined;
	const submit = (event: FormEvent) => {
		event.preventDefault();
		setTried(true);
		if (metadataError === undefined && isChanged) save.mutate(draft);
	};
	const facts = (
		<dl className="facts">
			<Fact name="Id">
				<Id id={customer.id} label="Copy the customer's id" />
			</Fact>
			<Fact name="Since">
				<Time at={customer.createDate} form="day" />
			</Fact>
		</dl>
	);
	if (!mayWrite) {
		return (
			<section className="card card-pad stack" aria-label="About">
				{facts}
				<dl className="facts">
					{Object.entries(customer.metadata).map(([name, value]) => (
						<Fact key={name} name={name}>
							{value}
						</Fact>
					))}
				</dl>
			</section>
		);
	}
	return (
		<section className="card card-pad" aria-label="About">
			<form className="stack" onSubmit={submit} noValidate>
				{facts}
				<TextInput
					label="Name"
					maxLength={128}
					value={draft.name}
					error={issueOf(save.error, "name")}
					onChange={({ currentTarget }) => setDraft({ ...draft, name: currentTarget.value })}
				/>
				<Textarea
					label="Metadata"
					description="Your own keys and values, one a line"
					placeholder="plan: enterprise"
					rows={4}
					spellCheck={false}
					value={draft.metadata}
					error={(isTried ? metadataError : undefined) ?? issueOf(save.error, "metadata")}
					onChange={({ currentTarget }) => setDraft({ ...draft, metadata: currentTarget.value })}
				/>
				{save.error !== null && !isShownBy(save.error, ["name", "metadata"]) && (
					<Problem error={save.error} what="Not saved. Nothing that you typed is lost." />
				)}
				<div className="bar">
					<Button type="submit" variant="default" disabled={!isChanged} loading={save.isPending}>
						Save
					</Button>
				</div>
			</form>
		</section>
	);
}

function draftOf({ name, metadata }: Customer): Draft {
	const lines = Object.entries(metadata).map(([key, value]) => `${key}: ${value}`);
	return { name: name ?? "", metadata: lines.join("\n") };
}

/** Null if a line has no key. */
function metadataOf(text: string): Readonly<Record<string, string>> | null {
	const lines = text.split("\n").filter((line) => line.trim() !== "");
	const pairs = lines.map((line) => /^\s*([^:]*[^:\s])\s*:\s*(.*?)\s*$/.exec(line));
	if (pairs.includes(null)) return null;
	return Object.fromEntries(pairs.flatMap((pair) => (pair === null ? [] : [[pair[1] ?? "", pair[2] ?? ""]])));
}

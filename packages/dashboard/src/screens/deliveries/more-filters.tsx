// The filters of deliveries that are wanted less often: by customer, by event and by the kind of error.
import { Button, NativeSelect, Popover, TextInput } from "@mantine/core";
import { useState, type FormEvent } from "react";

import { valuesOf, type DeliveriesFilter, type ErrorName } from "../../app/search.ts";
import { ERROR_WORDS, errorWords } from "./filter-words.ts";

type Wanted = { readonly [Name in "customer" | "event" | "error"]: string | undefined };

interface MoreFiltersProps {
	readonly search: DeliveriesFilter;
	readonly onChange: (wanted: Wanted) => void;
}

interface Texts {
	readonly customer: string;
	readonly event: string;
	readonly error: string;
}

const CUSTOMER_ID = /^[A-Za-z0-9._:-]{1,128}$/;
const EVENT_ID = /^evt_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const ERRORS = Object.keys(ERROR_WORDS) as readonly ErrorName[];

export function MoreFilters({ search, onChange }: MoreFiltersProps) {
	const { customer = "", event = "", error = "" } = search;
	const [isOpen, setOpen] = useState(false);
	const [texts, setTexts] = useState<Texts>({ customer, event, error });
	const [isTried, setTried] = useState(false);
	const applied = [customer, event, error].join(" ");
	const [former, setFormer] = useState(applied);
	if (former !== applied) {
		// From outside, such as a link.
		setFormer(applied);
		setTexts({ customer, event, error });
	}
	const change = (part: Partial<Texts>) => setTexts({ ...texts, ...part });
	const typed = { customer: texts.customer.trim(), event: texts.event.trim() };
	const isWrong = {
		customer: typed.customer !== "" && !CUSTOMER_ID.test(typed.customer),
		event: typed.event !== "" && !EVENT_ID.test(typed.event),
	};
	const apply = (submitted: FormEvent) => {
		submitted.preventDefault();
		setTried(isWrong.customer || isWrong.event);
		if (isWrong.customer || isWrong.event) return;
		setOpen(false);
		const set = (text: string) => (text === "" ? undefined : text);
		onChange({ customer: set(typed.customer), event: set(typed.event), error: set(texts.error) });
	};
	// An address may name several of them at once.
	const choices = error === "" || ERRORS.some((one) => one === error) ? ERRORS : [error, ...ERRORS];
	return (
		<Popover opened={isOpen} onChange={setOpen} position="bottom-end" width="18rem" shadow="md" trapFocus returnFocus>
			<Popover.Target>
				<Button className="more-filters" size="xs" variant="default" onClick={() => setOpen(!isOpen)}>
					More filters
				</Button>
			</Popover.Target>
			<Popover.Dropdown>
				<form className="stack tight" onSubmit={apply} noValidate>
					<TextInput
						label="Customer"
						placeholder="Any customer"
						description="Its whole id"
						autoComplete="off"
						spellCheck={false}
						maxLength={512}
						value={texts.customer}
						error={isTried && isWrong.customer && "1–128 letters, digits and . _ : -"}
						onChange={({ currentTarget }) => change({ customer: currentTarget.value })}
					/>
					<TextInput
						label="Event"
						placeholder="Any event"
						description="Its whole id, such as evt_01936a2e-…"
						autoComplete="off"
						spellCheck={false}
						maxLength={512}
						value={texts.event}
						error={isTried && isWrong.event && "evt_ and a UUID, as on the screen of the event"}
						onChange={({ currentTarget }) => change({ event: currentTarget.value })}
					/>
					<NativeSelect
						label="Error"
						description="The kind of error of the last attempt"
						value={texts.error}
						data={[
							{ value: "", label: "Any error, or none" },
							...choices.map((value) => ({ value, label: valuesOf(value).map(errorWords).join(", ") })),
						]}
						onChange={({ currentTarget }) => change({ error: currentTarget.value })}
					/>
					<div className="bar end">
						<Button size="xs" variant="default" onClick={() => setOpen(false)}>
							Close
						</Button>
						<Button size="xs" type="submit">
							Apply
						</Button>
					</div>
				</form>
			</Popover.Dropdown>
		</Popover>
	);
}

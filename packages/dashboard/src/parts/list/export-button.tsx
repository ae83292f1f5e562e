// Downloads all rows of a list that match its filter, after saying how many that are, if that is known.
import { Button, SegmentedControl } from "@mantine/core";
import { useEffect, useRef, useState } from "react";

import { Confirm } from "../feedback/confirm.tsx";
import { useCall } from "../feedback/use-call.ts";
import { count, counted } from "../text/format.ts";
import { exportToFile, type Exporter, type ExportForm } from "./export-file.ts";

const FORMS: readonly { readonly value: ExportForm; readonly label: string }[] = [
	{ value: "csv", label: "CSV" },
	{ value: "jsonl", label: "JSON lines" },
];

interface ExportProps<Filter> {
	/** One row and several, such as "delivery" and "deliveries". The name of the file begins with the second, with hyphens for spaces. */
	readonly words: readonly [one: string, several: string];
	/** What the file has of each row. */
	readonly contents: string;
	/** The order of the rows. Defaults to "newest first". */
	readonly order?: string;
	readonly exporter: Exporter<Filter>;
	/** The filter of the list now. */
	readonly filterOf: () => Filter;
	/** Whether the list has a filter. */
	readonly isFiltered: boolean;
	/** How many match; undefined if that is not known. */
	readonly matching?: { readonly count: number; readonly complete: boolean } | undefined;
}

interface ExportButtonProps<Filter> extends ExportProps<Filter> {
	/** Whether the list has no rows: then nothing is offered. What was asked before goes on, so the component stays where it is. */
	readonly isEmpty: boolean;
	/** Why the list can't be exported now, and what to do. */
	readonly disabledReason?: string | undefined;
	readonly onOpenChange?: (isOpen: boolean) => void;
}

export function ExportButton<Filter>(props: ExportButtonProps<Filter>) {
	const { isEmpty, disabledReason, onOpenChange, ...asked } = props;
	const [isOpen, setIsOpen] = useState(false);
	const save = useDownload();
	const setOpen = (isNowOpen: boolean) => {
		setIsOpen(isNowOpen);
		onOpenChange?.(isNowOpen);
	};
	return (
		<>
			{(isOpen || !isEmpty) && (
				<Button
					size="xs"
					variant="default"
					disabled={disabledReason !== undefined}
					title={disabledReason}
					onClick={() => setOpen(true)}
				>
					Export…
				</Button>
			)}
			{isOpen && <ExportDialog {...asked} onFile={save} onClose={() => setOpen(false)} />}
		</>
	);
}

interface ExportDialogProps<Filter> extends ExportProps<Filter> {
	readonly onFile: (file: Blob, name: string) => void;
	readonly onClose: () => void;
}

function ExportDialog<Filter>(props: ExportDialogProps<Filter>) {
	const { words, contents, order = "newest first", exporter, filterOf, isFiltered, matching, onFile, onClose } = props;
	const [one, several] = words;
	const [form, setForm] = useState<ExportForm>("csv");
	const [written, setWritten] = useState(0);
	const [end] = useState(() => new AbortController());
	useEffect(() => () => end.abort(), [end]);
	const work = useCall({
		mutationFn: () => {
			const options = { signal: end.signal, onProgress: setWritten };
			return exportToFile(exporter, filterOf(), form, options);
		},
		onSuccess: ({ file, count }, _, tell) => {
			const time = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
			onFile(file, `${several.replaceAll(" ", "-")}-${time}.${form}`);
			tell(`${counted(count, `${one} is`, `${several} are`)} in the file`);
			onClose();
		},
	});
	const all = isFiltered ? "all that match" : `all ${several}`;
	// A count that took too long may have found none yet.
	const total =
		matching === undefined || (matching.count === 0 && !matching.complete)
			? all
			: `${matching.complete ? "" : "more than "}${counted(matching.count, one, several)}`;
	return (
		<Confirm
			isOpen
			title={`Export ${all}?`}
			verb={`Export ${total}`}
			isBusy={work.isPending}
			error={work.error}
			onConfirm={() => work.mutate()}
			onClose={onClose}
		>
			<div className="stack tight">
				<SegmentedControl
					aria-label="Form of the file"
					data={[...FORMS]}
					value={form}
					disabled={work.isPending}
					onChange={(value) => setForm(value === "jsonl" ? value : "csv")}
				/>
				<p className="flat dim">
					{contents}, {order}: as a table for spreadsheets, or as a line of JSON each.
				</p>
				{work.isPending && (
					<p className="flat num" role="status">
						{count(written)} so far. Close stops it.
					</p>
				)}
			</div>
		</Confirm>
	);
}

/** Returns the function that has the browser save a file. Its address is valid until the next one, or until the component is gone. */
function useDownload(): (file: Blob, name: string) => void {
	const address = useRef<string | null>(null);
	const revoke = () => {
		if (address.current !== null) URL.revokeObjectURL(address.current);
		address.current = null;
	};
	useEffect(() => revoke, []);
	return (file, name) => {
		revoke();
		address.current = URL.createObjectURL(file);
		const link = document.createElement("a");
		link.href = address.current;
		link.download = name;
		link.click();
	};
}

// All shortcuts, as the help shows them. Its code is loaded later than the page.
import { useScreens } from "../navigation.ts";

const KEYS: readonly (readonly [keys: string, meaning: string])[] = [
	["Ctrl K", "Search, or open anything by its id"],
	["/", "Go to the filter"],
	["?", "This list"],
	[".", "Pause what is live, and go on"],
	["u", "Switch between your time zone and UTC"],
	["j k", "Next and previous row, or delivery"],
	["Enter", "Open the row"],
	["Esc", "Close the delivery beside the list"],
	["x", "Select the row"],
	["r", "Retry the delivery, or on the overview what has failed"],
	["Shift R", "Retry all that match"],
	["a", "Set an item of the overview aside"],
	["c", "Copy the delivery's request as curl"],
	["[ ]", "Previous and next attempt"],
];

export function ShortcutList() {
	const screens = useScreens().map(({ title, key }) => [`g ${key}`, title] as const);
	return (
		<dl className="facts keys">
			{[...KEYS, ...screens].map(([keys, meaning]) => (
				<div key={keys} className="keys-row">
					<dt>
						{keys.split(" ").map((key) => (
							<kbd key={key}>{key}</kbd>
						))}
					</dt>
					<dd>{meaning}</dd>
				</div>
			))}
		</dl>
	);
}

"""Temporal's Web UI as operators use it; all its selectors are here."""

import re

from playwright.async_api import FrameLocator, Locator, Page, expect

COLUMNS = ("CaseState", "CaseDeadline", "CaseWaitsFor", "CaseShop", "CaseOrder", "CaseProcess")
"""The columns that the handbook asks operators to add."""
SPARE_COLUMNS = ("Run ID", "Type", "Start", "End")
SHIPMENT = '{"carrier": "SF", "tracking_no": "SF1234567890"}'


class CaseList:
    """The page *Workflows*."""

    def __init__(self, page: Page, ui: str) -> None:
        self._page, self._ui = page, ui
        self._table = page.get_by_role("table", name="Workflows")
        self.main = page.get_by_role("main")
        self._columns = page.get_by_role("region").filter(has_text="Configure Workflows Table")
        self.headings = self._table.get_by_role("columnheader")
        self.cases = self._table.get_by_role("link").filter(has_text="/")
        self.views = page.get_by_role("group", name="Saved Views")

    async def open(self) -> None:
        """Open the list of all cases; a UI that is already loaded is not loaded again."""
        if self._page.url.startswith(self._ui):
            await self._page.get_by_role("navigation").get_by_role("link", name="Workflows", exact=True).click()
        else:
            await self._page.goto(f"{self._ui}/namespaces/default/workflows")

    def link(self, case_id: str) -> Locator:
        """Return the link to a case."""
        return self._table.get_by_role("link", name=case_id, exact=True)

    async def choose_columns(self, *, spare: tuple[str, ...] = ()) -> None:
        """Add our columns and remove spare ones, as operators do once in each browser."""
        await self._page.get_by_role("button", name="Configure Columns").click()
        for name in COLUMNS:
            await self._columns.get_by_role("button", name=f"Add {name} column").click()
        for name in spare:
            await self._columns.get_by_role("button", name=f"Remove {name} column").click()
        await self._columns.get_by_role("button", name="Close").click()

    async def choose_view(self, name: str) -> None:
        """Choose a saved view."""
        await self.views.get_by_role("button", name="Saved Views").click()
        await self._page.get_by_role("menuitem", name=name, exact=True).click()

    async def row(self, case_id: str) -> dict[str, str]:
        """Return the cells of a case by heading."""
        await expect(self.link(case_id)).to_be_visible()
        row = self._table.get_by_role("row").filter(has_text=case_id)
        shown = await row.get_by_role("cell").all_inner_texts()
        return dict(zip(await self.headings.all_inner_texts(), shown, strict=True))


class CasePage:
    """The page of one case."""

    def __init__(self, page: Page, ui: str) -> None:
        self._page, self._list = page, CaseList(page, ui)
        self.main = page.get_by_role("main")
        self.form = UpdateForm(page)
        self.toast = page.get_by_test_id("toast-live-region-polite")

    async def open(self, case_id: str) -> None:
        """Open a case from the list."""
        await self._list.open()
        await self._list.link(case_id).click()

    async def details(self) -> FrameLocator:
        """Return the frame with the current details, once they are loaded."""
        await self._page.get_by_role("tab", name="User Metadata").click()
        frame = self._page.frame_locator("iframe").last
        await expect(frame.get_by_role("heading")).to_be_visible()
        return frame

    async def outcome(self, update: str) -> Locator:
        """Return the outcome of an update as the timeline shows it."""
        await self._page.get_by_role("tab", name="Timeline").click()
        await self._page.get_by_role("button", name=f"Event {update}: Completed").click()
        outcome = self._page.get_by_role("textbox", name="Outcome")
        await outcome.scroll_into_view_if_needed()
        return outcome


class UpdateForm:
    """The form *Send an Update* of a case's page."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.dialog = page.get_by_role("dialog", name="Send an Update")
        self._data = self.dialog.get_by_role("textbox", name="Data")
        self.choices = self.dialog.get_by_role("option")
        self.refusal = self.dialog.get_by_role("alert").filter(has_text=re.compile(r"\S"))

    async def open(self) -> None:
        """Open the form and its choices."""
        await self._page.get_by_role("button", name="More Actions").click()
        await self._page.get_by_role("menuitem", name="Send an Update").click()
        await self.dialog.get_by_role("button", name="Select an Update").click()

    async def choose(self, update: str, data: str = "") -> None:
        """Choose an update and fill in its data."""
        await self.choices.filter(has_text=re.compile(rf"^\s*{update}\b")).click()
        if data:
            await self._data.fill(data)
            # Leaving the field sets the JSON on several lines, and the button moves away from under the pointer.
            await self._data.blur()

    async def submit(self) -> None:
        """Submit the form."""
        await self.dialog.get_by_role("button", name="Submit").click()

    async def cancel(self) -> None:
        """Close the form without sending anything."""
        await self.dialog.get_by_role("button", name="Cancel").last.click()


class CodecDialog:
    """The dialog *Codec Server*, behind the glasses."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def choose(self, address: str) -> None:
        """Use a codec server with the browser's login there."""
        await self._page.get_by_test_id("data-encoder-status-configured").click()
        await self._page.get_by_test_id("use-local-endpoint-input").check(force=True)
        await self._page.get_by_test_id("data-encoder-endpoint-input").fill(address)
        await self._page.get_by_label("Include cross-origin credentials").dispatch_event("click")
        await self._page.get_by_role("button", name="Apply").click()

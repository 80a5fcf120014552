"""A browser without a window, and what a page in it shows."""

import importlib.util
import shutil
from contextlib import contextmanager

__all__ = ["Browser", "missing", "started"]

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # which needs rights that a container has not
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--hide-scrollbars",
)


def missing():
    """Return what is missing to drive a browser, in words; None where it is all there."""
    if importlib.util.find_spec("selenium") is None:
        return "selenium is not installed; pip install -e '.[test]'"
    if program() is None or shutil.which("chromedriver") is None:
        return "no Chromium with its driver is installed; apt-get install chromium chromium-driver"
    return None


def program():
    """Return where the browser is."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def started(folder):
    """Start a browser that has its files in a folder; end it at the end."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = program()
    for argument in (*ARGUMENTS, f"--user-data-dir={folder}"):
        options.add_argument(argument)
    # Both programs are named, so nothing is looked for, let alone downloaded.
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    driver = webdriver.Chrome(options, service)
    try:
        yield Browser(driver)
    finally:
        driver.quit()


class Browser:
    """Opens pages, presses keys and reads what is seen.

    Attributes
    ----------
    driver : selenium's driver
    """

    def __init__(self, driver):
        self.driver = driver

    def open(self, path, size=(1280, 900), dark=False, calm=True, phone=False):
        """Open a file in a window of a size, as somebody has it who wants dark or calm pages."""
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if calm else "no-preference"},
        ]
        self.command("Emulation.setEmulatedMedia", features=features)
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}
        self.command("Emulation.setDeviceMetricsOverride", **metrics)
        self.driver.get(path.as_uri())

    def command(self, name, **arguments):
        """Give the browser one of the commands of its DevTools."""
        return self.driver.execute_cdp_cmd(name, arguments)

    def run(self, script, *arguments):
        """Run JavaScript in the page; return what it returns."""
        return self.driver.execute_script(script, *arguments)

    def go(self, step):
        """Go to a step of the page by its address."""
        self.driver.execute_async_script(
            "addEventListener('hashchange', () => arguments[1](), { once: true });"
            "location.hash = `#${arguments[0]}`;",
            step,
        )

    def press(self, key):
        """Press a key of the keyboard."""
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).send_keys(key).perform()

    def click(self, selector):
        """Click on the first of what is found."""
        from selenium.webdriver.common.by import By

        self.driver.find_element(By.CSS_SELECTOR, selector).click()

    def complaints(self):
        """Return what the page has complained of since it was last asked."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def shown(self):
        """Return what a page to step through shows now."""
        return self.run(SHOWN)


#: Reads what can be seen of a page to step through.
SHOWN = """
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const seen = (element) => element.getClientRects().length > 0;
const sections = all(".event").filter(seen);
const [section] = sections;
const place = ({ slot, step, position }) => [slot ?? null, step ?? null, position ?? null];
return {
  sections: sections.length,
  index: Number(section.id.replace("event", "")),
  heading: section.querySelector("h2").textContent,
  formulas: all(".formula math", section).map((math) => math.textContent),
  figures: all("figure", section).map((figure) => ({
    what: figure.classList[1],
    slot: figure.dataset.slot,
    seen: seen(figure),
    numbers: all("data", figure).map((data) => Number(data.value)),
    texts: all("data", figure).map((data) => data.textContent),
  })),
  labels: all(".label").filter(seen).map((label) => ({
    kind: label.classList[1],
    place: place(label.dataset),
    texts: all("text", label).map((text) => text.textContent),
    faint: label.classList.contains("later"),
    fresh: label.classList.contains("fresh"),
  })),
  now: all(".node.now").map((node) => node.dataset.id),
  later: all(".node.later").map((node) => node.dataset.id),
  goes: all(".edge.goes").map((edge) => place(edge.dataset)),
  comes: all(".edge.comes").map((edge) => place(edge.dataset)),
  status: document.getElementById("status").textContent,
  place: document.getElementById("place").textContent,
  slider: document.getElementById("slider").value,
  spoken: document.getElementById("slider").getAttribute("aria-valuetext"),
  disabled: all(".buttons button").filter((button) => button.disabled).map((button) => button.id),
  current: all("#list button").findIndex((entry) => entry.hasAttribute("aria-current")),
};
"""

package usercounter.browser;

import org.openqa.selenium.Keys;

/** The page for people, in a browser. */
public final class CounterPage {

    private final Browser browser;

    /** @param url of the page; its fragment is the user */
    public CounterPage(Browser browser, String url) {
        this.browser = browser;
        browser.open(url);
    }

    /** Clicks the button that adds one. */
    public void addOne() {
        browser.find("#add").click();
    }

    /** Types another user. */
    public void show(String user) {
        browser.find("#id").sendKeys(user, Keys.ENTER);
    }

    public String user() {
        return text("#user");
    }

    public String number() {
        return text("#number");
    }

    public void awaitNumber(String number) {
        browser.await("number " + number, () -> number().equals(number));
    }

    public void awaitState(String state) {
        browser.await("state " + state, () -> text("#state").equals(state));
    }

    /** Waits until the page says that something is wrong, in these words. */
    public void awaitTrouble(String words) {
        browser.await("trouble: " + words, () -> text("#trouble").contains(words));
    }

    /** Waits until the page says no longer that something is wrong. */
    public void awaitNoTrouble() {
        browser.await("no trouble", () -> text("#trouble").isEmpty());
    }

    /** The text that a person sees. */
    private String text(String selector) {
        return browser.find(selector).getText();
    }
}

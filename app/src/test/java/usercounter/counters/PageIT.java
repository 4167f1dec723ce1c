package usercounter.counters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;
import redis.clients.jedis.Jedis;
import usercounter.browser.Browser;
import usercounter.browser.CounterPage;
import usercounter.testkit.Endpoint;
import usercounter.testkit.Nginx;
import usercounter.testkit.ServerOnRedis;

/** The page for people and the API's reference in a real browser, of the packaged server and through nginx. */
@EnabledIf(
        value = "usercounter.browser.Browser#isInstalled",
        disabledReason = "No chromedriver on the PATH: install it with its Chrome or Chromium")
@ParameterizedClass
@EnumSource
class PageIT {

    enum Entrance {
        SERVER,
        NGINX
    }

    /** The screenshots, see CONTRIBUTING.md. */
    private static final Path PICTURES = Path.of("target", "page");

    @RegisterExtension
    static final ServerOnRedis server = new ServerOnRedis();

    @AutoClose
    static Browser browser;

    private static Endpoint endpoint;
    private static String origin;

    @Parameter
    Entrance entrance;

    @BeforeAll
    static void start() {
        browser = Browser.start();
    }

    @BeforeParameterizedClassInvocation
    static void enter(Entrance entrance, @TempDir Path nginxFolder) throws IOException {
        endpoint = server;
        if (entrance == Entrance.NGINX) {
            assumeThat(Nginx.isInstalled()).as("nginx on the PATH").isTrue();
            endpoint = Nginx.start(nginxFolder, server);
        }
        origin = "http://" + Browser.HOST + ":" + endpoint.port();
    }

    @AfterParameterizedClassInvocation
    static void leave() {
        if (endpoint instanceof Nginx nginx) {
            nginx.close();
        }
    }

    @BeforeEach
    void clear() {
        try (Jedis client = server.jedis()) {
            client.keys("user:{[^}]*").forEach(client::del);
        }
        browser.setScreen(1280, 800, "light");
        browser.setOffline(false);
    }

    /** In some tests, requests fail. Nothing else may be in the console. */
    @AfterEach
    void nothingInTheConsoleAndNoOtherHost() {
        assertThat(browser.console())
                .allSatisfy(message -> assertThat(message).contains("/users/", " - Failed to load resource: "));
        assertThat(browser.hosts()).isSubsetOf(Browser.HOST);
    }

    @Test
    void eachClickCounts() {
        CounterPage page = open("clicks");
        page.awaitNumber("0");

        for (int i = 0; i < 12; i++) {
            page.addOne();
        }

        page.awaitNumber("12");
        page.awaitState("Saved on disk");
        assertCount("clicks", "12");
        assertThat(browser.console()).isEmpty();
    }

    @Test
    void withoutAUserThePageShowsThatOfTheQuickStart() {
        CounterPage page = new CounterPage(browser, origin + "/");

        assertThat(page.user()).isEqualTo("249");
        page.awaitNumber(server.get("/users/249").body());
    }

    @Test
    void anotherUserIsTypedAndHasAnAddress() {
        server.post("/users/anna");
        CounterPage page = open("bert");
        page.awaitNumber("0");

        page.show(" anna ");
        page.awaitNumber("1");
        assertThat(page.user()).isEqualTo("anna");
        assertThat(browser.url()).isEqualTo(origin + "/#anna");

        browser.back();
        page.awaitNumber("0");
        assertThat(page.user()).isEqualTo("bert");
    }

    @Test
    void whatOthersCountedIsThereWhenThePersonComesBack() {
        CounterPage page = open("others");
        page.awaitNumber("0");
        server.post("/users/others");

        browser.run("dispatchEvent(new Event('focus'))");

        page.awaitNumber("1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"a b", "é%", ".", "..", "x/../bob"})
    void aMalformedIdIsSaidInWords(String id) {
        CounterPage page = open("before");
        page.awaitNumber("0");

        page.show(id);

        // Liberty itself refuses an encoded slash.
        page.awaitTrouble(id.contains("/") && entrance == Entrance.SERVER ? "The path " : "A user id is ");
        page.awaitTrouble("This user has no number.");
        page.addOne();
        page.awaitTrouble("1 click not counted.");
        page.addOne();
        page.awaitTrouble("2 clicks not counted.");
        assertCount("bob", "0");
        page.show("before");
        page.awaitNumber("0");
        page.awaitNoTrouble();
    }

    @Test
    void theLongestIdAndTheLargestNumberHaveRoomAndAClickOnItIsRefused() {
        String user = "m".repeat(128);
        set(user, Long.MAX_VALUE - 1);
        browser.setScreen(360, 640, "light");
        CounterPage page = open(user);
        page.awaitNumber("9,223,372,036,854,775,806");

        page.addOne();
        page.awaitNumber("9,223,372,036,854,775,807");
        page.addOne();

        page.awaitTrouble("1 click not counted.");
        page.awaitTrouble("maximum");
        long overflow =
                browser.run("const page = document.documentElement; return page.scrollWidth - page.clientWidth");
        assertThat(overflow).isZero();
    }

    @ParameterizedTest
    @ValueSource(longs = {7, 38, 1_024})
    void aNumberHasRoomOnAPhone(long number) {
        set("room", number);
        browser.setScreen(360, 740, "light");
        CounterPage page = open("room");
        page.awaitNumber(String.format(Locale.ROOT, "%,d", number));

        List<Number> overlap = browser.run("""
                const text = new Range();
                text.selectNodeContents(document.getElementById('number'));
                const {top, bottom} = text.getBoundingClientRect();
                return [document.querySelector('.title').getBoundingClientRect().bottom - top,
                    bottom - document.getElementById('add').getBoundingClientRect().top];
                """);
        assertThat(overlap)
                .allSatisfy(pixels -> assertThat(pixels.doubleValue()).isNegative());
    }

    @Test
    void clicksWhileRedisIsAwayCountOnceWhenItIsBack() {
        CounterPage page = open("away");
        page.addOne();
        page.awaitNumber("1");

        server.redis().kill();
        try {
            clickThreeTimes(page, "Redis ");
            page.awaitState("3 clicks waiting");
            assertThat(page.number()).isEqualTo("1");
            assertThat(mayBeLeft()).isFalse();
        } finally {
            server.restartRedis();
        }

        assertCountedOnce(page, "away", "4");
        assertThat(mayBeLeft()).isTrue();
    }

    /** Redis executes later what it received while it hung: a new key for a repeated click would count it twice. */
    @Test
    void clicksWhileRedisHangsCountOnce() throws InterruptedException {
        CounterPage page = open("hangs");
        page.addOne();
        page.awaitNumber("1");

        server.redis().signal("STOP");
        try {
            clickThreeTimes(page, "Redis ");
            Thread.sleep(4_000); // for a repetition
        } finally {
            server.redis().signal("CONT");
        }

        assertCountedOnce(page, "hangs", "4");
    }

    @Test
    void clicksWithoutANetworkCountOnce() {
        CounterPage page = open("offline");
        page.addOne();
        page.awaitNumber("1");

        browser.setOffline(true);
        clickThreeTimes(page, "The service cannot be reached");
        browser.setOffline(false);

        assertCountedOnce(page, "offline", "4");
    }

    @Test
    void aPageThatIsOpenedDuringAnOutageShowsTheNumberAfterIt() {
        server.post("/users/opened");
        CounterPage page;
        server.redis().signal("STOP");
        try {
            page = open("opened");
            page.awaitTrouble("The number is not known yet.");
            assertThat(page.number()).isEqualTo("–");
            page.addOne();
            page.awaitTrouble("Not counted yet.");
        } finally {
            server.redis().signal("CONT");
        }

        assertCountedOnce(page, "opened", "2");
    }

    @Test
    void aRepeatedClickHasTheSameKeyAndPausesThatGrowToABoundOrAreLongerIfTheServiceAsks() {
        CounterPage page = open("pauses");
        page.awaitNumber("0");
        browser.run("""
                const [realFetch, realTimeout] = [fetch, setTimeout];
                [window.keys, window.pauses] = [[], []];
                window.setTimeout = (resume, pause) => {
                    pauses.push(pause);
                    return realTimeout(resume);
                };
                window.fetch = async (path, request) => {
                    keys.push(request.headers['Idempotency-Key']);
                    const headers = keys.length === 7 ? {'Retry-After': '20'} : {};
                    return keys.length > 7 ? realFetch(path, request) : Response.json({}, {status: 503, headers});
                };
                """);

        page.addOne();
        page.addOne();
        page.awaitNumber("2");

        List<Long> pauses = browser.run("return pauses.filter(pause => pause !== 200)"); // the others are before a text
        List<String> keys = browser.run("return keys");
        assertThat(pauses).containsExactly(500L, 1_000L, 2_000L, 4_000L, 8_000L, 8_000L, 20_000L);
        assertThat(keys.subList(0, 8)).containsOnly(keys.get(0));
        assertThat(keys.get(8)).isNotEqualTo(keys.get(0)).matches("\"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\"");
    }

    @Test
    void tooManyClicksAreCountedOnceALittleLater(@TempDir Path limitedFolder) throws IOException {
        assumeThat(Nginx.isInstalled()).as("nginx on the PATH").isTrue();
        String onePerSecond = "limit_req_zone $client zone=slow:1m rate=1r/s; limit_req zone=slow;";
        try (Nginx limited = Nginx.start(limitedFolder, onePerSecond, server)) {
            CounterPage page = new CounterPage(browser, "http://" + Browser.HOST + ":" + limited.port() + "/#too-many");
            page.awaitNumber("0");

            clickThreeTimes(page, "This address sends too many requests");

            assertCountedOnce(page, "too-many", "3");
        }
    }

    @Test
    void aLateAnswerForOneUserNeverAppearsAtAnother() throws InterruptedException {
        server.post("/users/fast");
        CounterPage page = open("slow");
        page.awaitNumber("0");
        browser.run("""
                const realFetch = fetch;
                window.fetch = async (path, request) => {
                    const answer = await realFetch(path, request);
                    if (path.endsWith('slow')) {
                        await new Promise(resume => setTimeout(resume, 1500));
                    }
                    return answer;
                };
                """);

        page.addOne();
        page.show("fast");
        page.awaitNumber("1");
        page.addOne();
        page.awaitNumber("2");
        Thread.sleep(2_000); // until after the late answer

        assertThat(page.number()).isEqualTo("2");
        assertThat(page.user()).isEqualTo("fast");
        for (int i = 0; i < 10; i++) {
            page.show(i % 2 == 0 ? "slow" : "fast");
        }
        assertThat(page.user()).isEqualTo("fast");
        page.awaitNumber("2");
        page.show("slow");
        page.awaitNumber("1");
    }

    @Test
    void aKeyboardIsEnough() {
        CounterPage page = open("keys");
        page.awaitNumber("0");

        tabTo("add").sendKeys(Keys.ENTER);
        page.awaitNumber("1");
        browser.focused().sendKeys(Keys.SPACE);
        page.awaitNumber("2");
        String outline = browser.run("return getComputedStyle(document.activeElement).outlineStyle");
        assertThat(outline).isEqualTo("solid");
        tabTo("id").sendKeys("more-keys", Keys.ENTER);
        page.awaitNumber("0");

        assertThat(page.user()).isEqualTo("more-keys");
    }

    private static WebElement tabTo(String id) {
        for (int i = 0; i < 10 && !id.equals(browser.focused().getDomAttribute("id")); i++) {
            browser.focused().sendKeys(Keys.TAB);
        }
        assertThat(browser.focused().getDomAttribute("id")).isEqualTo(id);
        return browser.focused();
    }

    @ParameterizedTest
    @CsvSource({"360, light", "360, dark", "1280, light", "1280, dark"})
    void anybodyCanUseIt(int width, String colorScheme) throws IOException {
        set("maria", 1_024);
        browser.setScreen(width, 800, colorScheme);
        CounterPage page = open("maria");
        page.awaitNumber("1,024");
        page.awaitState("Saved on disk");
        assertThat(browser.violations()).isEmpty();
        browser.screenshot(PICTURES.resolve("%s-%d.png".formatted(colorScheme, width)));
        int button = browser.find("#add").getLocation().getY();

        browser.setOffline(true);
        clickThreeTimes(page, "The service cannot be reached");
        page.awaitState("3 clicks waiting");
        assertThat(browser.find("#add").getLocation().getY()).isEqualTo(button); // for the next click
        assertThat(browser.violations()).isEmpty();
        browser.screenshot(PICTURES.resolve("trouble-%s-%d.png".formatted(colorScheme, width)));
        browser.setOffline(false);
        page.awaitNumber("1,027");
    }

    @Test
    void theReferenceShowsAndSendsTheRequests() {
        browser.open(origin + "/");
        browser.find("nav a").click();
        browser.await("three operations", () -> browser.findAll(".opblock").size() == 3);

        browser.find("#operations-users-incrementCount button").click();
        browser.find(".try-out__btn").click();
        browser.find(".execute").click();

        assertThat(browser.find(".live-responses-table .response .response-col_status")
                        .getText())
                .startsWith("200");
        assertCount("249", "1");
        assertThat(browser.console()).isEmpty();
    }

    /** A number of JSON in a browser is exact only up to 2^53. */
    @Test
    void theReferenceShowsTheLargestNumber() {
        set("249", Long.MAX_VALUE);
        browser.open(origin + "/docs");

        browser.find("#operations-users-readCount button").click();
        browser.find(".try-out__btn").click();
        browser.run("""
                const type = document.querySelector('.responses-wrapper select.content-type');
                Object.getOwnPropertyDescriptor(HTMLSelectElement.prototype, 'value').set.call(type, 'application/json');
                type.dispatchEvent(new Event('change', {bubbles: true}));
                """);
        browser.find(".execute").click();

        assertThat(browser.find(".live-responses-table .highlight-code").getText())
                .contains("{\"id\":\"249\",\"count\":9223372036854775807}");
    }

    private CounterPage open(String user) {
        return new CounterPage(browser, origin + "/#" + user);
    }

    /** Whose requests fail, so that the page has to say so. */
    private static void clickThreeTimes(CounterPage page, String problem) {
        for (int i = 0; i < 3; i++) {
            page.addOne();
        }
        page.awaitTrouble("Not counted yet.");
        page.awaitTrouble(problem);
    }

    private static void assertCountedOnce(CounterPage page, String user, String count) {
        page.awaitNumber(count);
        page.awaitState("Saved on disk");
        page.awaitNoTrouble();
        assertCount(user, count);
    }

    private static void set(String user, long count) {
        try (Jedis client = server.jedis()) {
            client.set("user:{" + user + "}", Long.toString(count));
        }
    }

    private static void assertCount(String user, String count) {
        assertThat(server.get("/users/" + user).body()).isEqualTo(count);
    }

    /** Whether the browser lets a person close the page without a question. */
    private static boolean mayBeLeft() {
        return browser.run("return dispatchEvent(new Event('beforeunload', {cancelable: true}))");
    }
}

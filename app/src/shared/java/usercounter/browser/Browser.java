package usercounter.browser;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.logging.Level;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.openqa.selenium.By;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.json.Json;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;
import org.openqa.selenium.support.ui.WebDriverWait;
import usercounter.Programs;

/** A headless Chrome or Chromium: the one that the chromedriver on the PATH finds. */
public final class Browser implements AutoCloseable {

    /** A name of the loopback address. Unlike localhost it is no secure context, as the address of a load balancer. */
    public static final String HOST = "user-counter.test";

    private static final String DRIVER = "chromedriver";
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String AXE = axe();

    private final ChromeDriver driver;

    private Browser(ChromeDriver driver) {
        this.driver = driver;
    }

    public static boolean isInstalled() {
        return Programs.isInstalledOrNotRequired(DRIVER);
    }

    public static Browser start() {
        ChromeOptions options = new ChromeOptions();
        options.addArguments(
                "--headless=new",
                "--no-sandbox", // which root may not use; the browser opens only pages of the test
                "--disable-dev-shm-usage",
                "--host-resolver-rules=MAP " + HOST + " 127.0.0.1");
        LoggingPreferences logs = new LoggingPreferences();
        logs.enable(LogType.BROWSER, Level.ALL);
        logs.enable(LogType.PERFORMANCE, Level.ALL);
        options.setCapability(ChromeOptions.LOGGING_PREFS, logs);
        ChromeDriverService service = new ChromeDriverService.Builder()
                .usingDriverExecutable(Programs.find(DRIVER).orElseThrow().toFile())
                .usingAnyFreePort()
                .build();
        ChromeDriver driver = new ChromeDriver(service, options);
        driver.manage().timeouts().pageLoadTimeout(PATIENCE).scriptTimeout(PATIENCE);
        return new Browser(driver);
    }

    /** Opens a page anew, even if it is open. */
    public void open(String url) {
        driver.get("about:blank");
        driver.get(url);
    }

    public void back() {
        driver.navigate().back();
    }

    public String url() {
        return driver.getCurrentUrl();
    }

    /** Waits for an element. */
    public WebElement find(String selector) {
        await(
                "element " + selector,
                () -> !driver.findElements(By.cssSelector(selector)).isEmpty());
        return driver.findElement(By.cssSelector(selector));
    }

    public List<WebElement> findAll(String selector) {
        return driver.findElements(By.cssSelector(selector));
    }

    public WebElement focused() {
        return driver.switchTo().activeElement();
    }

    /** Runs a script in the page, and returns its result. */
    @SuppressWarnings("unchecked")
    public <T> T run(String script) {
        return (T) driver.executeScript(script);
    }

    /** Waits for at most {@link #PATIENCE}. */
    public void await(String what, BooleanSupplier condition) {
        new WebDriverWait(driver, PATIENCE, Duration.ofMillis(50))
                .withMessage(() -> what + "; the page: "
                        + driver.findElement(By.tagName("body")).getText())
                .until(any -> condition.getAsBoolean());
    }

    /** Takes the network from the page, or gives it back. */
    public void setOffline(boolean offline) {
        driver.executeCdpCommand("Network.enable", Map.of());
        driver.executeCdpCommand(
                "Network.emulateNetworkConditions",
                Map.of("offline", offline, "latency", 0, "downloadThroughput", -1, "uploadThroughput", -1));
    }

    /** Sets the size of the screen, in CSS pixels, and what the person prefers: {@code light} or {@code dark}. */
    public void setScreen(int width, int height, String colorScheme) {
        driver.executeCdpCommand(
                "Emulation.setDeviceMetricsOverride",
                Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", width < 600));
        driver.executeCdpCommand(
                "Emulation.setEmulatedMedia",
                Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", colorScheme))));
    }

    public void screenshot(Path file) throws IOException {
        Files.createDirectories(file.getParent());
        Files.write(file, driver.getScreenshotAs(OutputType.BYTES));
    }

    /** What hinders people with disabilities, as far as axe-core finds it. */
    @SuppressWarnings("unchecked")
    public List<Map<String, Object>> violations() {
        driver.executeScript(AXE);
        return (List<Map<String, Object>>)
                driver.executeAsyncScript("axe.run().then(results => arguments[0](results.violations))");
    }

    private static String axe() {
        try (InputStream script = Browser.class.getResourceAsStream("/axe.min.js")) {
            return new String(script.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The messages in the console since the last call. */
    public List<String> console() {
        return entries(LogType.BROWSER).map(LogEntry::getMessage).toList();
    }

    /** The hosts that pages sent requests to since the last call. */
    public List<String> hosts() {
        return entries(LogType.PERFORMANCE)
                .map(entry -> (Map<?, ?>) new Json()
                        .<Map<String, Object>>toType(entry.getMessage(), Json.MAP_TYPE)
                        .get("message"))
                .filter(message -> message.get("method").equals("Network.requestWillBeSent"))
                .map(message -> (Map<?, ?>) ((Map<?, ?>) message.get("params")).get("request"))
                .map(request -> (String) request.get("url"))
                .filter(url -> url.startsWith("http"))
                .map(url -> URI.create(url).getHost())
                .distinct()
                .toList();
    }

    private Stream<LogEntry> entries(String log) {
        return StreamSupport.stream(driver.manage().logs().get(log).spliterator(), false);
    }

    @Override
    public void close() {
        driver.quit();
    }
}

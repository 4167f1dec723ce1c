package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.extension.ExtendWith;
import usercounter.browser.Browser;
import usercounter.browser.CounterPage;

/** The page for people through the load balancer. */
@Order(1)
@EnabledIf(
        value = "usercounter.browser.Browser#isInstalled",
        disabledReason = "No chromedriver on the PATH: install it with its Chrome or Chromium")
@ExtendWith(Deployed.class)
class PageIT {

    @AutoClose
    static Browser browser;

    @BeforeAll
    static void start() {
        browser = Browser.start();
    }

    @Test
    void aClickWhileRedisIsAwayCountsOnceWhenItIsBack() {
        String user = "page-" + System.nanoTime();
        CounterPage page = new CounterPage(browser, Cluster.url("/#" + user));
        page.addOne();
        page.awaitNumber("1");

        Cluster.kubectl("scale", "statefulset/redis", "--replicas=0");
        try {
            Cluster.kubectl("wait", "--for=delete", "pod/redis-0", "--timeout=2m");
            page.addOne();
            page.awaitTrouble("Not counted yet.");
        } finally {
            Cluster.kubectl("scale", "statefulset/redis", "--replicas=1");
            Cluster.awaitRollouts();
        }

        page.awaitNumber("2");
        page.awaitNoTrouble();
        assertThat(Http.get(Cluster.url("/users/" + user)).body()).isEqualTo("2");
    }

    @Test
    void theReferenceShowsTheOperations() {
        browser.open(Cluster.url("/docs"));

        browser.await("three operations", () -> browser.findAll(".opblock").size() == 3);
    }
}

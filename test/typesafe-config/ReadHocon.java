import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigRenderOptions;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Base64;

/** Reads configurations, each a line in base64, as programs do that use the library; writes each as a line of JSON. */
public class ReadHocon {
  public static void main(String[] args) throws Exception {
    var options = ConfigRenderOptions.concise();
    var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    for (String line; (line = lines.readLine()) != null; ) {
      var text = new String(Base64.getDecoder().decode(line), StandardCharsets.UTF_8);
      // As ConfigFactory.load does: variables of the environment are what references fall back to.
      var json = ConfigFactory.parseString(text).resolve().root().render(options);
      System.out.write((json + "\n").getBytes(StandardCharsets.UTF_8));
    }
    System.out.flush();
  }
}

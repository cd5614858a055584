<?php
// The bridge, as the product's own parser reads the metadata that the bridge publishes, and the terms of this test.
$folder = getenv('PROVIDER_FOLDER');
if (is_file("$folder/sp.xml")) {
    foreach (SimpleSAML\Metadata\SAMLParser::parseDescriptorsFile("$folder/sp.xml") as $entityId => $entity) {
        $terms = json_decode(file_get_contents("$folder/terms.json"), true);
        $metadata[$entityId] = $terms + $entity->getMetadata20SP();
    }
}

<?php
// SimpleSAMLphp as a service provider, as its own template leaves it; everything of this run lies in one folder.
$folder = getenv('BENCH_FOLDER');
$config = [
    'baseurlpath' => getenv('BENCH_ADDRESS') . '/simplesaml/',
    'certdir' => "$folder/",
    'loggingdir' => "$folder/",
    'datadir' => "$folder/",
    'tempdir' => "$folder/",
    'metadatadir' => __DIR__ . '/metadata/',
    'secretsalt' => getenv('BENCH_SALT'),
    'auth.adminpassword' => getenv('BENCH_SALT'),
    'timezone' => 'UTC',
    'technicalcontact_email' => 'nobody@example.com',
    'logging.handler' => 'file',
    'logging.level' => SimpleSAML\Logger::NOTICE,
    'module.enable' => ['core' => true, 'saml' => true],
    'session.cookie.secure' => false,
    'session.cookie.samesite' => null,
    'session.phpsession.savepath' => $folder,
    'store.type' => 'phpsession',
    'admin.checkforupdates' => false,
    'trusted.url.domains' => [],
    'language.default' => 'en',
    'language.available' => ['en'],
    'language.cookie.secure' => false,
    'metadata.sources' => [['type' => 'flatfile']],
    'proxy' => null,
];

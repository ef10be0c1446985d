add_executable(faults_victim "${CMAKE_CURRENT_SOURCE_DIR}/faults/victim.cpp")
target_include_directories(faults_victim PRIVATE "${PROJECT_SOURCE_DIR}")
target_link_libraries(faults_victim PRIVATE tessera_app ${CMAKE_DL_LIBS})
set_target_properties(faults_victim PROPERTIES ENABLE_EXPORTS ON) # so that libraries find its fsync before the system's
